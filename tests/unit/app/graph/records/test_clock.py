"""The clock of the store, and the patient clock: a jump ahead counts once it has lasted, and one back at once."""

from dataclasses import dataclass
from datetime import UTC, datetime

from structlog.testing import capture_logs

from app.graph.records.clock import MAX_STEP_MS, PATIENCE_MS, PatientClock, epoch_milliseconds

HOUR = 3_600_000


@dataclass
class Clocks:
    """The two clocks of a machine, of which one is never set."""

    now: int = 1_800_000_000_000
    steady: int = 5_000

    def wait(self, milliseconds: int) -> None:
        """Let time pass."""
        self.now += milliseconds
        self.steady += milliseconds


def patient(clocks: Clocks) -> PatientClock:
    """Return the clock over these."""
    return PatientClock(lambda: clocks.now, lambda: clocks.steady)


def test_instants_are_epoch_milliseconds() -> None:
    """The clock agrees with the calendar in UTC, within the duration of the test."""
    before = datetime.now(UTC).timestamp()
    instant = epoch_milliseconds()
    after = datetime.now(UTC).timestamp()
    assert isinstance(instant, int)
    assert before - 0.001 <= instant / 1_000 <= after


def test_a_jump_ahead_counts_once_it_has_lasted() -> None:
    """Until then the clock goes on as if there was none, with one warning for each jump."""
    clocks = Clocks()
    clock, begin = patient(clocks), clocks.now
    clocks.now += HOUR
    with capture_logs() as logs:
        assert clock() == begin
        clocks.wait(PATIENCE_MS - 1)
        assert clock() == begin + PATIENCE_MS - 1
        clocks.wait(1)
        assert clock() == begin + HOUR + PATIENCE_MS == clocks.now
    assert logs == [{"event": "clock_jumped_ahead", "log_level": "warning", "seconds": 3_600}]
    clocks.wait(HOUR)
    assert clock() == clocks.now


def test_a_clock_that_is_set_back_leaves_no_trace() -> None:
    """Neither that it was ahead, which a second jump waits for anew, nor instants of the time ahead."""
    clocks = Clocks()
    clock = patient(clocks)
    for _ in range(2):
        clocks.now += HOUR
        clocks.wait(PATIENCE_MS // 2 + 1)
        assert clock() == clocks.now - HOUR
        clocks.now -= HOUR
        assert clock() == clocks.now
    clocks.now -= HOUR
    assert clock() == clocks.now


def test_usual_corrections_count_at_once() -> None:
    """They may add up to any difference of both clocks."""
    clocks = Clocks()
    clock = patient(clocks)
    for _ in range(10):
        clocks.wait(1_000)
        clocks.now += MAX_STEP_MS
        assert clock() == clocks.now
