"""What the checks of the last week found, the incidents that came of it, and where personal data end.

Impressions, which the rankers are trained on, came too late yesterday: an incident is open. A day of plays was missing
in the weekly engagement; the incident about that is resolved. The row count of plays arrived late, and moves nothing.
``pii`` is on accounts and goes wherever their rows go; ivo and bo keep it out of two charts that only count, so the
Monday meeting has none.
"""

# ruff: noqa: E501 - one row of a table a line, so that it reads as a table

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from app.ingest.demo.datasets import place
from app.ingest.demo.ids import feature_set, model_version, report, service, tag
from app.ingest.load.scenario import Call, Made, Round

WEEK = 7
"""Days that each check tells of, up to yesterday."""

_CHECKS = (
    ("ci-ranking", place("impressions"), "freshness_daily", "FRESHNESS", "age < 6h", (2.1, 1.9, 2.4, 2.0, 2.2, 3.8, 9.5), "PPPPPPF"),
    ("ci-platform", place("plays"), "row_count", "VOLUME", "within 20 % of last week", (0.98, 1.01, 0.97, 1.02, None, 1.00, 0.99), "PPPP.PP"),
    ("ci-ranking", feature_set("profile-taste"), "online_offline_skew", "SKEW", "share of rows that differ < 0.01", (0.002, 0.002, 0.003, 0.002, 0.012, 0.004, 0.003), "PPPPWPP"),
    ("ci-ranking", model_version("homepage-ranker", "2"), "score_drift", "DRIFT", "PSI < 0.2", (0.04, 0.05, 0.05, 0.07, 0.08, 0.11, 0.14), "PPPPPPP"),
    ("ci-ranking", model_version("homepage-ranker", "2"), "exposure_by_language", "BIAS", "smallest share > 0.8 of its catalogue", (0.9, 0.91, 0.9, 0.88, 0.89, 0.9, 0.9), "PPPPPPP"),
    ("ci-ranking", service("ranking-service"), "p99_latency", "PERFORMANCE", "p99 < 80 ms", (61, 63, 60, 62, 64, 84, 66), "PPPPPWP"),
    ("root", place("payments"), "columns", "SCHEMA", "as registered", (0, 0, 0, 0, 0, 0, 0), "PPPPPPP"),
)  # fmt: skip
"""Caller, asset, check, kind, threshold, values of the week, and their statuses by first letter; a dot is no result."""

_STATUS = {"P": "PASS", "W": "WARN", "F": "FAIL"}
_GAP = "engagement-gap"


def quality(today: date) -> Iterator[Round]:
    """Tell of checks, incidents and where tags end, up to yesterday."""
    for index in range(WEEK):
        yield list(_reports(index, today - timedelta(days=WEEK - index)))
    late = {"asset": place("plays"), "check": "row_count", "checkKind": "VOLUME"}
    yield [_report("ci-platform", late, today - timedelta(days=3), "FAIL", 0.71)]
    yield from _gap()
    charts = (("ivo", "cancellations"), ("bo", "ad-revenue"))
    yield [Call(who, "setTags", {"asset": report(chart), "block": [tag("pii")]}) for who, chart in charts]


def _reports(index: int, day: date) -> Iterator[Call]:
    """What the checks found on one day of the week."""
    for who, asset, check, kind, threshold, values, letters in _CHECKS:
        if letters[index] in _STATUS:
            given = {"asset": asset, "check": check, "checkKind": kind, "threshold": threshold}
            yield _report(who, given, day, _STATUS[letters[index]], values[index])


def _report(who: str, given: dict[str, str], day: date, status: str, value: float | None) -> Call:
    found = {
        "status": status,
        "value": value,
        "window": day.isoformat(),
        "observedAt": datetime.combine(day, time(6), UTC).isoformat(),
        "openIncidentOnFail": True,
    }
    return Call(who, "reportCheck", given | found)


def _gap() -> Iterator[Round]:
    """The incident that is over: opened by hand, resolved by who filled the gap."""
    about = {"assets": [place("engagement-weekly")], "title": "One of seven days of plays is missing"}
    yield [Call("ivo", "openIncident", about | {"severity": "MEDIUM", "idempotencyKey": _GAP})]
    yield [Call("ivo", "resolveIncident", {"incident": Made(_GAP), "reason": "filled from the stream"})]
