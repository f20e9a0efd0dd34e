"""How much each caller has lately received."""

import pytest

from app import received_volumes
from app.received_volumes import ReceivedVolumes


@pytest.fixture
def times() -> list[float]:
    """Return the time of the clock, in seconds, as the only element."""
    return [100.0]


@pytest.fixture
def volumes(times: list[float]) -> ReceivedVolumes:
    """Return volumes of which more than 100 bytes are too much, and 10 count no more after each second."""
    return ReceivedVolumes(limit=100, per_second=10, clock=lambda: times[0])


def test_above_the_limit_is_too_much_until_time_has_passed(volumes: ReceivedVolumes, times: list[float]) -> None:
    """What one caller received says nothing about another one."""
    volumes.add("eve", 100)
    assert volumes.excess("eve") == 0
    volumes.add("eve", 50)
    assert (volumes.excess("eve"), volumes.excess("ada")) == (5, 0)
    times[0] += 4
    assert volumes.excess("eve") == 1
    times[0] += 1
    assert volumes.excess("eve") == 0


def test_the_time_before_a_response_counts_once(volumes: ReceivedVolumes, times: list[float]) -> None:
    """Ten seconds in which nothing was received leave nothing for later: a volume is never below 0."""
    volumes.add("eve", 50)
    times[0] += 10
    volumes.add("eve", 101)
    assert volumes.excess("eve") > 0


def test_callers_are_forgotten_when_theirs_count_no_more(
    volumes: ReceivedVolumes, times: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each caller who ever read something would be remembered."""
    monkeypatch.setattr(received_volumes, "MANY_CALLERS", 2)
    for number, name in enumerate(("ada", "bo", "eve")):
        volumes.add(name, 200 * (number + 1))
        times[0] += 15
    assert [*volumes._volumes] == ["bo", "eve"]  # noqa: SLF001 - what is remembered
