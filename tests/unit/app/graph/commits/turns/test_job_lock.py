"""The lock of the writers for jobs: writers have at least half of the time, and no step delays another transaction."""

import asyncio
from contextlib import nullcontext

import pytest

from app.graph.commits.turns.job_lock import SHORT_SECONDS, JobLock, rest_after
from app.graph.commits.turns.long_writers import LONG_SECONDS, MAX_WAIT_SECONDS
from app.graph.commits.writer_contention import WriterContention


class Clock:
    """Seconds that move by sleeping and by the work of the tests alone."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Move the time."""
        self.now += seconds
        await asyncio.get_running_loop().run_in_executor(None, int)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock of the jobs and writers."""
    made = Clock()
    monkeypatch.setattr("app.graph.commits.turns.job_lock.asyncio.sleep", made.sleep)
    return made


@pytest.mark.parametrize(("seconds", "rest"), [(SHORT_SECONDS, 0.0), (0.3, 0.3), (1.0, 6.0), (9.0, MAX_WAIT_SECONDS)])
async def test_jobs_rest_after_a_step_while_callers_write(clock: Clock, seconds: float, rest: float) -> None:
    """Steps back to back would leave writers one transaction between two of them; alone, jobs do not rest."""
    contention = WriterContention(clock)
    lock = JobLock(asyncio.Lock(), contention, clock)
    for writes, expected in ((True, rest), (False, 0.0)):
        async with lock:
            clock.now += seconds
        ended = clock.now
        with contention.call("ada") if writes else nullcontext():
            async with lock:
                assert clock.now - ended == pytest.approx(expected)
        clock.now += MAX_WAIT_SECONDS
    assert rest_after(LONG_SECONDS) == LONG_SECONDS


async def test_a_rest_ends_with_the_last_writer(clock: Clock) -> None:
    """The work of the jobs is not delayed for a caller who has long written."""
    contention = WriterContention(clock)
    lock = JobLock(asyncio.Lock(), contention, clock)
    contention.wrote(["ada"])
    async with lock:
        clock.now += 4
    ended = clock.now
    async with lock:
        assert 0.9 < clock.now - ended < 1.2


async def test_one_step_is_between_two_transactions(clock: Clock) -> None:
    """Three jobs with work let a writer wait for one step, not for one of each."""
    writers = asyncio.Lock()
    lock, order = JobLock(writers, WriterContention(clock), clock), list[str]()

    async def step(name: str) -> None:
        async with lock:
            order.append(name)

    async with writers:
        jobs = [asyncio.create_task(step(name)) for name in ("sensitivity", "tag", "inference")]
        for _ in range(3):
            await asyncio.get_running_loop().run_in_executor(None, int)
        writer = asyncio.create_task(writers.acquire())
        await asyncio.get_running_loop().run_in_executor(None, int)
    await writer
    assert order == ["sensitivity"]
    writers.release()
    await asyncio.gather(*jobs)
    assert order == ["sensitivity", "tag", "inference"]


@pytest.mark.parametrize("rests", [True, False])
async def test_a_job_that_is_stopped_while_it_waits_keeps_nothing(clock: Clock, *, rests: bool) -> None:
    """At the end of a process all jobs are cancelled, and the next step must not wait for ever."""
    writers, contention = asyncio.Lock(), WriterContention(clock)
    lock = JobLock(writers, contention, clock)
    with contention.call("ada"):
        if rests:
            async with lock:
                clock.now += 1
        await writers.acquire()
        waiting = asyncio.create_task(lock.__aenter__())
        await asyncio.get_running_loop().run_in_executor(None, int)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        writers.release()
    async with asyncio.timeout(5), lock:
        assert writers.locked()
    assert not writers.locked()
