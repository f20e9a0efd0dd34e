"""Check results of the last week, incidents, and tags that are blocked.

Impressions, on which the home-page ranker is trained, were late yesterday: the failed check opened an incident. The
weekly engagement lacked a day of plays: a caller opened and resolved an incident about it. A row count of plays is
reported late and does not become the latest result.
``pii`` propagates from accounts; ivo and bo block it on two charts of counts, so the Monday meeting does not have it.
"""

# ruff: noqa: E501 - one row of a table a line, so that it reads as a table

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from app.ingest.demo.datasets import dataset
from app.ingest.demo.ids import feature_set, model_version, report, service, tag
from app.ingest.load.scenario import Call, CreatedId, Round

WEEK = 7
"""Days with check results, the last of them yesterday."""

_CHECKS = (
    ("ci-ranking", dataset("impressions"), "freshness_daily", "FRESHNESS", "age < 6h", (2.1, 1.9, 2.4, 2.0, 2.2, 3.8, 9.5), "PPPPPPF"),
    ("ci-platform", dataset("plays"), "row_count", "VOLUME", "within 20 % of last week", (0.98, 1.01, 0.97, 1.02, None, 1.00, 0.99), "PPPP.PP"),
    ("ci-ranking", feature_set("profile-taste"), "online_offline_skew", "SKEW", "share of rows that differ < 0.01", (0.002, 0.002, 0.003, 0.002, 0.012, 0.004, 0.003), "PPPPWPP"),
    ("ci-ranking", model_version("homepage-ranker", "2"), "score_drift", "DRIFT", "PSI < 0.2", (0.04, 0.05, 0.05, 0.07, 0.08, 0.11, 0.14), "PPPPPPP"),
    ("ci-ranking", model_version("homepage-ranker", "2"), "exposure_by_language", "BIAS", "smallest share > 0.8 of its catalogue", (0.9, 0.91, 0.9, 0.88, 0.89, 0.9, 0.9), "PPPPPPP"),
    ("ci-ranking", service("ranking-service"), "p99_latency", "PERFORMANCE", "p99 < 80 ms", (61, 63, 60, 62, 64, 84, 66), "PPPPPWP"),
    ("root", dataset("payments"), "columns", "SCHEMA", "as registered", (0, 0, 0, 0, 0, 0, 0), "PPPPPPP"),
)  # fmt: skip
"""Caller, asset, check, kind, threshold, values by day, and statuses by first letter; a dot means no result."""

_STATUS = {"P": "PASS", "W": "WARN", "F": "FAIL"}
_GAP = "engagement-gap"


def quality(today: date) -> Iterator[Round]:
    """Yield the check results, incidents and blocked tags, up to the day before ``today``."""
    for index in range(WEEK):
        yield list(_reports(index, today - timedelta(days=WEEK - index)))
    late = {"asset": dataset("plays"), "check": "row_count", "checkKind": "VOLUME"}
    yield [_report("ci-platform", late, today - timedelta(days=3), "FAIL", 0.71)]
    yield from _gap()
    charts = (("ivo", "cancellations"), ("bo", "ad-revenue"))
    yield [Call(caller, "setTags", {"asset": report(chart), "block": [tag("pii")]}) for caller, chart in charts]


def _reports(index: int, day: date) -> Iterator[Call]:
    """Yield the check results of one day of the week."""
    for caller, asset, check, kind, threshold, values, letters in _CHECKS:
        if letters[index] in _STATUS:
            given = {"asset": asset, "check": check, "checkKind": kind, "threshold": threshold}
            yield _report(caller, given, day, _STATUS[letters[index]], values[index])


def _report(caller: str, given: dict[str, str], day: date, status: str, value: float | None) -> Call:
    result = {
        "status": status,
        "value": value,
        "window": day.isoformat(),
        "observedAt": datetime.combine(day, time(6), UTC).isoformat(),
        "openIncidentOnFail": True,
    }
    return Call(caller, "reportCheck", given | result)


def _gap() -> Iterator[Round]:
    """Yield the calls that open an incident about missing data and resolve it."""
    about = {"assets": [dataset("engagement-weekly")], "title": "One of seven days of plays is missing"}
    yield [Call("ivo", "openIncident", about | {"severity": "MEDIUM", "idempotencyKey": _GAP})]
    yield [Call("ivo", "resolveIncident", {"incident": CreatedId(_GAP), "reason": "filled from the stream"})]
