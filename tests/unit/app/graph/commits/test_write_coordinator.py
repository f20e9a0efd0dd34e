"""What the writers of a process share."""

from types import SimpleNamespace
from typing import Any

import pytest

from app.graph.commits.turns import job_lock
from app.graph.commits.write_coordinator import WriteCoordinator


@pytest.mark.parametrize(
    ("writers", "waiting", "processes", "rests"),
    [
        ((), (), 1, False),
        (("a",), (), 1, True),
        (("a",), ("a",), 1, False),
        (("a", "b"), ("a",), 1, True),
        (("a",), (), 2, False),
    ],
)
async def test_jobs_do_not_rest_for_a_caller_who_waits_for_them(
    monkeypatch: pytest.MonkeyPatch, writers: tuple[str, ...], waiting: tuple[str, ...], processes: int, *, rests: bool
) -> None:
    """An import waits for the work that it has left, and another process may wait for the transaction of a job."""
    coordinator = WriteCoordinator()
    client: Any = SimpleNamespace(write_order=None if processes == 1 else object())
    slept = list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        coordinator.outbox.waiting.update(("default", each) for each in writers)

    monkeypatch.setattr("app.graph.commits.turns.job_lock.asyncio.sleep", sleep)
    monkeypatch.setattr(job_lock, "rest_after", lambda _: 60.0)
    coordinator.contention.wrote(("default", each) for each in writers)
    coordinator.outbox.waiting.update(("default", each) for each in waiting)
    lock = coordinator.job_lock(client)
    for _ in range(2):
        async with lock:
            assert coordinator.lock.locked()
    assert bool(slept) is rests
