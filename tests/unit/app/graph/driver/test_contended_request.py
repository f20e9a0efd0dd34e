"""Requests that several processes send at the same time: who comes second tries again."""

import pytest

from app.graph.driver.contended_request import ATTEMPTS, repeat_contended
from app.graph.driver.errors import StoreFailedError, TransientConflictError, VertexExistsError


class Contended:
    """An action that fails with each of ``errors``, and then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = [*errors]
        self.runs = 0

    async def run(self) -> int:
        """Raise the next error; return the number of runs if there is none."""
        self.runs += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.runs


@pytest.mark.parametrize("error", [VertexExistsError("first"), TransientConflictError("locked")])
async def test_who_comes_second_tries_again(error: Exception) -> None:
    """The result is that of the attempt that succeeds, and no attempt follows it."""
    action = Contended(error, error)
    assert await repeat_contended(action.run, pause=0) == action.runs == 3


async def test_the_last_error_is_raised() -> None:
    """An action that never succeeds ends after a number of attempts."""
    action = Contended(*[TransientConflictError("locked")] * (ATTEMPTS + 1))
    with pytest.raises(TransientConflictError):
        await repeat_contended(action.run, pause=0)
    assert action.runs == ATTEMPTS


async def test_another_error_is_raised_at_once() -> None:
    """Only what another process can cause is repeated."""
    action = Contended(StoreFailedError("broken"))
    with pytest.raises(StoreFailedError):
        await repeat_contended(action.run, pause=0)
    assert action.runs == 1
