"""The watch over a hosted store: what causes a check, and which reasons end in a restart."""

from dataclasses import dataclass, field

import pytest

from app.graph.driver.errors import StoreFailedError, StoreUnavailableError
from app.graph.driver.gremlin_client import RequestReport
from app.graph.driver.prepared_statement import PreparedStatement
from app.runtime.readiness import Readiness
from app.runtime.store_watch import WATCH_SECONDS, StoreWatch
from app.store.errors import StoreReason
from policies.errors import Code, CodedError

REQUEST = PreparedStatement.of("g.inject(x)", "x")


@dataclass
class Host:
    """A store that counts its probes and restarts; the test moves its clock."""

    error: CodedError | None = None
    known: StoreReason | None = None
    probes: int = 0
    starts: int = 1
    restarts: list[StoreReason] = field(default_factory=list)
    now: float = 0.0
    silent_seconds: float = 0.0

    def outage(self) -> StoreReason | None:
        """Return the outage that is known without a probe."""
        return self.known

    def free_bytes(self) -> int:
        """Return a constant."""
        return 1 << 40

    def has_space(self) -> bool:
        """Return that there is space."""
        return True

    async def restart(self, reason: StoreReason) -> None:
        """Count a restart, which cures everything."""
        self.restarts.append(reason)
        self.error = self.known = None

    async def probe(self) -> None:
        """Count a probe, and fail if there is an error."""
        self.probes += 1
        if self.error:
            raise self.error

    def refuse(self) -> None:
        """Raise the known outage."""
        if self.known:
            raise StoreUnavailableError.because(self.known)

    def watch(self) -> StoreWatch:
        """Return a watch over this store."""
        readiness = Readiness(self.probe, self.refuse, lambda: self.now)
        return StoreWatch(self, readiness, lambda: self.now, silent_seconds=self.silent_seconds)


def failed(code: Code) -> RequestReport:
    """Return the report of a failed request."""
    return RequestReport(REQUEST, writes=False, error=code)


async def test_an_idle_store_is_checked_now_and_then() -> None:
    """Without a cause there is one check in WATCH_SECONDS."""
    host = Host()
    watch = host.watch()
    for _ in range(5):
        await watch.tick()
    assert host.probes == 0
    host.now = WATCH_SECONDS
    for _ in range(5):
        await watch.tick()
    assert host.probes == 1


@pytest.mark.parametrize("code", [Code.STORE_UNAVAILABLE, Code.STORE_FAILED])
async def test_a_failed_request_causes_a_check_at_once(code: Code) -> None:
    """A request that failed because of the store causes one check with a new result, however many failed."""
    host = Host()
    watch = host.watch()
    await watch.look()
    for _ in range(10):
        watch.exchanged(failed(code))
    for _ in range(5):
        await watch.tick()
    assert host.probes == 2


@pytest.mark.parametrize(("code", "probes"), [(Code.STORE_UNAVAILABLE, 2), (Code.CONFLICT, 1)])
async def test_no_result_is_used_again_after_a_failed_request(code: Code, probes: int) -> None:
    """The first health check after a failed request probes the store, although the last result is fresh."""
    host = Host()
    watch = host.watch()
    await watch.look()
    watch.exchanged(failed(code))
    await watch.look()
    assert host.probes == probes


async def test_a_refused_value_is_no_failure_of_the_store() -> None:
    """Requests that fail for another reason cause no check."""
    host = Host()
    watch = host.watch()
    watch.exchanged(failed(Code.CONFLICT))
    watch.exchanged(RequestReport(REQUEST, writes=True))
    await watch.tick()
    assert host.probes == 0


@pytest.mark.parametrize("reason", list(StoreReason))
async def test_only_a_broken_storage_or_index_is_restarted(reason: StoreReason) -> None:
    """A restart cures a broken storage and rebuilds an index; it would only interrupt a store without space or time."""
    host = Host(StoreUnavailableError("No.", reason))
    await host.watch().look()
    assert host.restarts == ([reason] if reason in {StoreReason.STORAGE, StoreReason.INDEX} else [])


async def test_a_lost_index_is_noticed_without_a_request() -> None:
    """An outage that the host reports is acted upon at the next tick, and once."""
    host = Host(known=StoreReason.INDEX)
    watch = host.watch()
    for _ in range(3):
        await watch.tick()
    assert (host.restarts, host.probes) == ([StoreReason.INDEX], 0)


async def test_the_result_from_before_a_restart_is_dropped() -> None:
    """A store that was restarted in a moment is not restarted again because of the old result."""
    host = Host(StoreUnavailableError.because(StoreReason.STORAGE))
    watch = host.watch()
    for _ in range(3):
        await watch.look()
    assert host.restarts == [StoreReason.STORAGE]


async def test_an_unknown_failure_does_not_end_the_watch() -> None:
    """A failure without a reason is logged, and the next check takes place."""
    host = Host(StoreFailedError("Failed."))
    watch = host.watch()
    await watch.look()
    host.now = WATCH_SECONDS
    await watch.tick()
    assert (host.probes, host.restarts) == (2, [])


def responded() -> RequestReport:
    """Return the report of a request with a response."""
    return RequestReport(REQUEST, writes=False)


@pytest.mark.parametrize("reason", [StoreReason.BUSY, StoreReason.UNREACHABLE])
async def test_a_store_that_does_not_respond_for_long_is_restarted(reason: StoreReason) -> None:
    """A restart follows the seconds without a response, counted from the last one, and is not repeated at once."""
    host = Host(silent_seconds=100)
    watch = host.watch()
    host.now = 50
    watch.exchanged(responded())
    for host.now in (60, 120, 149):
        host.error = StoreUnavailableError("No.", reason)
        watch.exchanged(failed(Code.STORE_UNAVAILABLE))
        await watch.look()
        assert host.restarts == []
    host.now = 150
    watch.exchanged(failed(Code.STORE_UNAVAILABLE))
    await watch.look()
    assert host.restarts == [reason]
    host.error = StoreUnavailableError("No.", reason)
    await watch.look()
    assert host.restarts == [reason]


@pytest.mark.parametrize("reason", [StoreReason.STARTING, StoreReason.DISK_SPACE, StoreReason.BACKEND])
async def test_a_store_that_gives_a_reason_is_not_restarted(reason: StoreReason) -> None:
    """A store that starts, has no space or lacks its storage responds, however long that lasts."""
    host = Host(StoreUnavailableError("No.", reason), silent_seconds=100)
    watch = host.watch()
    for host.now in range(0, 1_000, 50):
        watch.exchanged(failed(Code.STORE_UNAVAILABLE))
        await watch.look()
    host.error = StoreUnavailableError("No.", StoreReason.BUSY)
    watch.exchanged(failed(Code.STORE_UNAVAILABLE))
    await watch.look()
    assert host.restarts == []


async def test_without_the_setting_a_silent_store_is_left_alone() -> None:
    """With 0 there is no such restart."""
    host = Host(StoreUnavailableError("No.", StoreReason.BUSY), silent_seconds=0)
    watch = host.watch()
    host.now = 1e6
    await watch.look()
    assert host.restarts == []
