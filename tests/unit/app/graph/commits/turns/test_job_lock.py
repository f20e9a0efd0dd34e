"""The lock of the writers for jobs: one step of all jobs is between two transactions, and a job rests after a step."""

import asyncio

import pytest

from app.graph.commits.turns.job_lock import SHORT_SECONDS, JobLock, rest_after
from app.graph.commits.turns.long_writers import LONG_SECONDS, MAX_WAIT_SECONDS


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
@pytest.mark.parametrize("others_write", [True, False])
async def test_jobs_rest_after_a_step_while_callers_write(
    clock: Clock, seconds: float, rest: float, *, others_write: bool
) -> None:
    """Steps back to back would leave writers one transaction between two of them; alone, a job does not rest."""
    lock = JobLock(asyncio.Lock(), asyncio.Lock(), lambda: others_write, clock)
    async with lock:
        clock.now += seconds
    ended = clock.now
    async with lock:
        assert clock.now - ended == pytest.approx(rest if others_write else 0.0)
    assert rest_after(LONG_SECONDS) == LONG_SECONDS


async def test_a_rest_ends_with_the_last_writer(clock: Clock) -> None:
    """The work of a job is not delayed for callers who write no more."""
    until = clock.now + 5
    lock = JobLock(asyncio.Lock(), asyncio.Lock(), lambda: clock.now < until, clock)
    async with lock:
        clock.now += 4
    async with lock:
        assert clock.now == pytest.approx(until, abs=0.1)


async def test_other_jobs_go_on_while_one_rests(clock: Clock) -> None:
    """Large entries of one kind would otherwise delay the work of all kinds, for all tenants."""
    writers, step = asyncio.Lock(), asyncio.Lock()
    large, small = (JobLock(writers, step, lambda: True, clock) for _ in range(2))
    async with large:
        clock.now += 9
    ended = clock.now
    async with small:
        assert clock.now == ended
    async with large:
        assert clock.now >= ended + MAX_WAIT_SECONDS


async def test_one_step_is_between_two_transactions(clock: Clock) -> None:
    """Three jobs with work let a writer wait for one step, not for one of each."""
    writers, step, order = asyncio.Lock(), asyncio.Lock(), list[str]()

    async def work(name: str) -> None:
        async with JobLock(writers, step, lambda: True, clock):
            order.append(name)

    async with writers:
        jobs = [asyncio.create_task(work(name)) for name in ("sensitivity", "tag", "inference")]
        await some_iterations()
        writer = asyncio.create_task(writers.acquire())
        await some_iterations()
    await writer
    assert order == ["sensitivity"]
    writers.release()
    await asyncio.gather(*jobs)
    assert order == ["sensitivity", "tag", "inference"]


@pytest.mark.parametrize("rests", [True, False])
async def test_a_job_that_is_stopped_while_it_waits_keeps_nothing(clock: Clock, *, rests: bool) -> None:
    """At the end of a process all jobs are cancelled, and the next step must not wait for ever."""
    writers = asyncio.Lock()
    lock = JobLock(writers, asyncio.Lock(), lambda: rests, clock)
    async with lock:
        clock.now += 1
    await writers.acquire()
    waiting = asyncio.create_task(lock.__aenter__())
    await some_iterations()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    writers.release()
    async with asyncio.timeout(5), lock:
        assert writers.locked()
    assert not writers.locked()


async def some_iterations() -> None:
    """Let the tasks run that wait for nothing."""
    for _ in range(5):
        await asyncio.get_running_loop().run_in_executor(None, int)
