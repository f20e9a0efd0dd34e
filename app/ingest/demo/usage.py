"""Usage of the last thirty days, up to yesterday: teams and users on weekdays, services most at weekends.

The deprecated clicks of the old ad server are unused and can be retired. The deprecated chart of advertising still has
a reader.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from app.ingest.demo.datasets import dataset
from app.ingest.demo.ids import feature_set, model_version, report, service, team, user
from app.ingest.load.scenario import Call, Round
from graphql_schema.ports.record import JsonObject

DAYS = 30
"""Days of usage, the last of them yesterday."""

_AT_WORK = (1.0, 1.05, 1.1, 1.0, 0.8, 0.0, 0.0)
_WATCHING = (0.8, 0.8, 0.85, 0.9, 1.1, 1.4, 1.3)
"""The factors of the days of the week, Monday first, by which the count of a row is multiplied."""

_USERS = (
    (dataset("impressions"), "reads", team("ranking"), _AT_WORK, 420, 0.8),
    (dataset("impressions"), "reads", user("ada"), _AT_WORK, 35, 0.8),
    (dataset("impressions"), "reads", team("growth"), _AT_WORK, 60, 0.8),
    (dataset("plays"), "reads", team("ranking"), _AT_WORK, 310, 0.6),
    (dataset("plays"), "reads", team("growth"), _AT_WORK, 180, 0.6),
    (dataset("plays"), "reads", team("content-understanding"), _AT_WORK, 90, 0.6),
    (dataset("watch-history"), "reads", team("ranking"), _AT_WORK, 150, 1.1),
    (dataset("titles"), "reads", service("web-player"), _WATCHING, 900_000, 0.0001),
    (dataset("titles"), "reads", team("content-understanding"), _AT_WORK, 240, 0.02),
    (feature_set("profile-taste"), "reads", service("ranking-service"), _WATCHING, 1_200_000, 0.00005),
    (model_version("homepage-ranker", "2"), "calls", service("homepage-api"), _WATCHING, 1_100_000, 0.00008),
    (model_version("search-ranker", "3"), "calls", service("search-api"), _WATCHING, 240_000, 0.00007),
    (service("ranking-service"), "calls", service("homepage-api"), _WATCHING, 1_100_000, 0.00012),
    (service("ranking-service"), "calls", service("search-api"), _WATCHING, 240_000, 0.00012),
    (report("monday-meeting"), "reads", team("product"), (40.0, *[0.5] * 4, 0.0, 0.0), 1, 0.0),
    (report("ad-revenue-2025"), "reads", user("hana"), _AT_WORK, 2, 0.0),
    (dataset("titles-copy"), "reads", service("retention-mailer"), _WATCHING, 3_000, 0.002),
)
"""Asset, counter, consumer, factors by day of the week, count at factor 1, and US dollars per use."""


def usage(today: date) -> Iterator[Round]:
    """Yield one call, by an administrator, that records the usage of all days, as a metering job would."""
    records = [_record(row, today - timedelta(days=back)) for row in _USERS for back in range(DAYS, 0, -1)]
    yield [Call("root", "recordUsage", {"records": [record for record in records if record is not None]})]


def _record(row: tuple[str, str, str, tuple[float, ...], int, float], day: date) -> JsonObject | None:
    asset, counter, consumer, week, average, price = row
    count = round(average * week[day.weekday()])
    if count == 0:
        return None
    return {
        "asset": asset,
        "consumer": consumer,
        "day": day.isoformat(),
        counter: count,
        "costUsd": round(count * price, 2),
    }
