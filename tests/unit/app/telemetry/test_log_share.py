"""Shares of the access log: a caller has some at once, and so much for each second after that."""

from app.telemetry.log_share import BURST, RATE, LogShares

ADA, BO = ("acme", "ada"), ("acme", "bo")


def test_a_share_is_spent_and_grows_again() -> None:
    """What one caller adds takes nothing from another one."""
    now = [100.0]
    shares = LogShares(lambda: now[0])
    shares.spend(ADA, BURST)
    assert shares.seconds_until_free(ADA) == 0
    shares.spend(ADA, 3 * RATE)
    assert (shares.seconds_until_free(ADA), shares.seconds_until_free(BO)) == (3, 0)
    now[0] += 2
    assert shares.seconds_until_free(ADA) == 1
    now[0] += 1 + BURST / RATE
    shares.spend(ADA, BURST + RATE)
    assert shares.seconds_until_free(ADA) == 1


def test_bytes_beyond_the_share_delay_the_caller_for_a_minute_at_most() -> None:
    """What is written nevertheless, such as the numbers of denials, would else keep a caller out for hours."""
    now = [100.0]
    shares = LogShares(lambda: now[0])
    for _ in range(10):
        shares.spend(ADA, BURST)
    assert shares.seconds_until_free(ADA) == BURST / RATE


def test_callers_without_bytes_that_count_are_forgotten() -> None:
    """Tokens may have thousands of subjects, and one of them much in the log: the others are forgotten."""
    now = [100.0]
    shares = LogShares(lambda: now[0])
    shares.spend(ADA, BURST)
    for number in range(1_000):
        shares.spend(("acme", f"caller {number}"), RATE)
    now[0] += 2
    for _ in range(1_000):
        shares.spend(BO, 0)
    assert {*shares._full_at} <= {ADA, BO}  # noqa: SLF001 - what is kept is not observable otherwise
