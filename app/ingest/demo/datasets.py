"""Streams of events, tables, weekly snapshots of tables, and the pipelines that derive tables."""

# ruff: noqa: E501 - one row of a table a line, so that it reads as a table

from collections.abc import Iterator
from typing import NamedTuple

from app.ingest.demo.ids import (
    Item,
    digest,
    domain,
    instant,
    link,
    owned_by,
    run,
    snapshot,
    stream,
    table,
    tag,
    user,
    workflow,
)
from graphql_schema.ports.record import Json, JsonObject


class _Data(NamedTuple):
    """One stream or table; ``made_of`` names the streams and tables that it is derived from."""

    name: str
    team: str
    domain: str
    about: str
    columns: tuple[str, ...]
    made_of: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    sensitivity: str = "INTERNAL"
    visibility: str = "ORG"


_STREAMS = (
    _Data("play-events", "platform", "playback", "Play, pause, seek, stop", ("profile_id", "title_id", "position_s"), tags=("gdpr-erasable",)),
    _Data("browse-events", "platform", "discovery", "What was shown and what was opened", ("profile_id", "title_id", "row", "slot"), tags=("gdpr-erasable",)),
    _Data("search-events", "platform", "discovery", "Queries and the results opened", ("profile_id", "query", "title_id"), tags=("gdpr-erasable",)),
    _Data("ad-events", "ads", "advertising", "Impressions and clicks of advertisements", ("profile_id", "campaign_id", "clicked")),
    _Data("payment-events", "risk", "commerce", "Attempted and completed payments", ("account_id", "card_hash", "amount"), (), ("payment-data", "pii"), "RESTRICTED", "TEAM"),
    _Data("login-events", "risk", "trust", "Logins with device and place", ("account_id", "device_id", "country"), (), ("pii",), "CONFIDENTIAL", "TEAM"),
)  # fmt: skip

_TABLES = (
    _Data("accounts", "growth", "commerce", "One row per account", ("account_id", "email", "country", "joined_at"), (), ("pii", "gdpr-erasable"), "CONFIDENTIAL"),
    _Data("profiles", "growth", "streaming", "One row per profile of an account", ("profile_id", "account_id", "age_band"), ("accounts",), ("gdpr-erasable",), "CONFIDENTIAL"),
    _Data("titles", "content-understanding", "discovery", "The catalogue", ("title_id", "name", "genre", "minutes"), (), ("certified",), "PUBLIC"),
    _Data("plays", "platform", "playback", "One row per sitting", ("profile_id", "title_id", "minutes", "day"), ("play-events", "titles"), ("certified",)),
    _Data("impressions", "ranking", "discovery", "What was shown, and whether it was played", ("profile_id", "title_id", "slot", "played"), ("browse-events", "plays"), ("certified",)),
    _Data("searches", "ranking", "discovery", "Queries with the title that ended them", ("profile_id", "query", "title_id"), ("search-events", "plays")),
    _Data("watch-history", "ranking", "playback", "Minutes by profile and title, appended every night", ("profile_id", "title_id", "minutes"), ("plays", "watch-history"), ("certified",)),
    _Data("ad-clicks", "ads", "advertising", "Impressions joined with clicks", ("profile_id", "campaign_id", "clicked"), ("ad-events", "profiles")),
    _Data("campaigns", "ads", "advertising", "Budgets and flights", ("campaign_id", "budget", "starts_at"), (), (), "CONFIDENTIAL", "TEAM"),
    _Data("subscriptions", "growth", "commerce", "Plans, renewals and cancellations", ("account_id", "plan", "cancelled_at"), ("accounts",), ("gdpr-erasable",), "CONFIDENTIAL"),
    _Data("engagement-weekly", "growth", "streaming", "Minutes, sittings and titles by account and week", ("account_id", "week", "minutes"), ("plays", "profiles"), ("known-gaps",)),
    _Data("payments", "risk", "commerce", "Completed payments", ("account_id", "card_hash", "amount", "fraud"), ("payment-events", "accounts"), ("payment-data", "pii"), "RESTRICTED", "TEAM"),
    _Data("chargebacks", "risk", "trust", "Payments that banks took back", ("account_id", "amount", "reason"), ("payments",), ("payment-data",), "RESTRICTED", "TEAM"),
    _Data("logins", "risk", "trust", "Logins, with what was known of the device", ("account_id", "device_id", "suspicious"), ("login-events", "accounts"), ("pii",), "CONFIDENTIAL", "TEAM"),
    _Data("served-rankings", "ranking", "discovery", "What the ranking service answered, logged to learn from", ("profile_id", "title_id", "slot", "score"), (), ("gdpr-erasable",)),
    _Data("clicks-legacy", "ads", "advertising", "Clicks of the old ad server", ("profile_id", "campaign_id")),
    _Data("titles-copy", "", "discovery", "A copy of the catalogue without an owner", ("title_id", "name"), ("titles",)),
)  # fmt: skip

_PIPELINES = (
    ("ingest-plays", "platform", "0 2 * * *", ("play-events", "titles"), ("plays",)),
    ("build-impressions", "ranking", "0 3 * * *", ("browse-events", "plays"), ("impressions", "watch-history")),
    ("build-searches", "ranking", "30 3 * * *", ("search-events", "plays"), ("searches",)),
    ("join-ad-clicks", "ads", "0 4 * * *", ("ad-events", "profiles"), ("ad-clicks",)),
    ("weekly-engagement", "growth", "0 5 * * 1", ("plays", "profiles"), ("engagement-weekly",)),
    ("settle-payments", "risk", "0 * * * *", ("payment-events", "accounts"), ("payments", "chargebacks")),
)

SNAPSHOT_OF = ("impressions", "searches", "watch-history", "ad-clicks", "engagement-weekly", "payments", "logins")
"""Tables with three weekly snapshots, on which models are trained, and a golden set, on which they are evaluated."""

WEEKS = ("2026-w02", "2026-w03", "2026-w04")


def dataset(name: str) -> str:
    """Return the URN of the stream or table called ``name``."""
    return stream(name) if name.endswith("-events") else table(name)


def datasets() -> Iterator[Item]:
    """Yield streams, tables, snapshots and golden sets of tables, pipelines with their runs, and links between these."""
    for one in (*_STREAMS, *_TABLES):
        yield {"dataset": _dataset(one)}
    for name in SNAPSHOT_OF:
        yield from _snapshots(name)
        yield {"dataset": _golden_set(name)}
    yield from _pipelines()
    yield link("REPLACED_BY", table("clicks-legacy"), table("ad-clicks"))
    yield link("DERIVES", table("clicks-legacy"), table("ad-clicks"), validFrom=instant(-300), validTo=instant(-30))
    yield link("DERIVES", table("ad-clicks"), table("campaigns"), origin="INFERRED", confidence=0.62)


def _dataset(one: _Data) -> JsonObject:
    streaming = one.name.endswith("-events")
    return {
        "id": dataset(one.name),
        "displayName": one.name,
        "description": one.about,
        "owners": owned_by(one.team, *(("cy",) if one.sensitivity == "RESTRICTED" else ())) if one.team else [],
        "domain": domain(one.domain),
        "tags": [tag(name) for name in one.tags],
        "sensitivity": one.sensitivity,
        "visibility": one.visibility,
        "stage": "DEPRECATED" if one.name == "clicks-legacy" else "ACTIVE",
        "sourceCreatedAt": instant(-400),
        "format": "avro" if streaming else "iceberg",
        "location": f"kafka://events/{one.name}" if streaming else f"s3://harbour-warehouse/{one.name}",
        "columns": [_column(one, name) for name in one.columns],
        "derivedFrom": [dataset(name) for name in one.made_of],
    }


def _golden_set(name: str) -> JsonObject:
    """Return the golden set beside a table: of the same owner and sensitivity, and made from no other data."""
    return _dataset(
        next(one for one in _TABLES if one.name == name)._replace(
            name=f"golden-{name}",
            about=f"Cases like those of {name}, collected apart and labelled by people",
            made_of=(),
            tags=(),
        )
    )


def _column(one: _Data, name: str) -> JsonObject:
    """Return a column; it is derived from the columns of the same name upstream."""
    upstream = [other for other in (*_STREAMS, *_TABLES) if other.name in one.made_of and name in other.columns]
    numeric = name in {"amount", "minutes", "position_s", "slot", "budget", "score"}
    return {
        "name": name,
        "dataType": "double" if numeric else "string",
        "nullable": not name.endswith("_id"),
        "derivedFrom": [{"dataset": dataset(other.name), "column": name} for other in upstream],
        **({"sensitivity": "RESTRICTED"} if name in {"card_hash", "email"} else {}),
    }


def _snapshots(name: str) -> Iterator[Item]:
    for week, version in enumerate(WEEKS):
        yield {
            "datasetVersion": {
                "id": snapshot(name, version),
                "displayName": f"{name} {version}",
                "dataset": table(name),
                "version": version,
                "location": f"s3://harbour-warehouse/{name}/{version}",
                "contentDigest": digest(f"{name}@{version}"),
                "rowCount": 1_000_000.0 + 25_000 * week + 1_000 * len(name),
                "sourceCreatedAt": instant(7 * week),
            }
        }
        if week:
            yield link("PRECEDES", snapshot(name, WEEKS[week - 1]), snapshot(name, version))


def _pipelines() -> Iterator[Item]:
    nightly = workflow("nightly")
    yield {
        "workflow": {
            "id": nightly,
            "displayName": "nightly",
            "description": "Everything that must be there in the morning",
            "owners": owned_by("platform"),
            "workflowKind": "dag",
            "schedule": "0 2 * * *",
            "sourceCreatedAt": instant(-400),
        }
    }
    yield _run("nightly", 1, 20, "COMPLETE")
    for name, group, schedule, inputs, outputs in _PIPELINES:
        yield {
            "workflow": {
                "id": workflow(name),
                "displayName": name,
                "owners": owned_by(group),
                "workflowKind": "etl",
                "schedule": schedule,
                "codeRef": f"git+https://git.harbour.example/pipelines@main#{name}",
                "inputs": [dataset(one) for one in inputs],
                "outputs": [dataset(one) for one in outputs],
                "partOf": nightly,
                "sourceCreatedAt": instant(-390),
            }
        }
        failed = name == "weekly-engagement"
        extra = {"parentRun": run("nightly", 1), "inputs": [dataset(one) for one in inputs]}
        if failed:
            extra["error"] = "Partition day=2026-01-24 of plays is missing; 1 of 7 days not found."
        else:
            extra["outputs"] = [dataset(one) for one in outputs]
        yield _run(name, 1, 20.1, "FAIL" if failed else "COMPLETE", **extra)
    for earlier, later in (("ingest-plays", "build-impressions"), ("ingest-plays", "build-searches"), ("ingest-plays", "weekly-engagement")):  # fmt: skip
        yield link("TRIGGERS", workflow(earlier), workflow(later))


def _run(pipeline: str, number: int, day: float, state: str, **extra: Json) -> Item:
    return {
        "run": {
            "id": run(pipeline, number),
            "displayName": f"{pipeline} #{number}",
            "workflow": workflow(pipeline),
            "startedBy": user("ci-platform"),
            "state": state,
            "startedAt": instant(day),
            "endedAt": instant(day + 0.05),
            "codeVersion": digest(pipeline)[7:19],
            "costUsd": 1.5,
            **extra,
        }
    }
