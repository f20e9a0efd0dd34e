"""The uses of an asset in the graph: the day of each, and the fields that disclose them."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from graphql import GraphQLObjectType
from support.estates.plain_rows import PlainAccess, hiding, plain_row

from graphql_schema.catalog.kinds import ALL_KINDS, KINDS
from graphql_schema.ports.row import PageItem, Row
from graphql_schema.rules.asset_uses import USES, last_use_of
from graphql_schema.schema import build_schema

TODAY = date(2026, 3, 10)
MODEL = plain_row("MODEL", "m")


def at(day: int) -> int:
    """Return noon of a day of March 2026 in UTC, in epoch milliseconds."""
    return int(datetime(2026, 3, day, 12, tzinfo=UTC).timestamp()) * 1000


def used(kind: str, access: PlainAccess | None = None, near: Row = MODEL, **values: Any) -> int | None:
    """Return the day of March of the use that ends at a row; None for no use."""
    item = PageItem(plain_row(kind, "end", access, **values), (0,), near=near)
    found = last_use_of(MODEL, [item], TODAY)
    return found.day if found else None


def test_a_run_reads_when_it_ends() -> None:
    """A run is on the day of its end, else its begin, else its registration; hidden times do not count."""
    times: dict[str, Any] = {"endedAt": at(8), "startedAt": at(7), "createdAt": at(9)}
    assert used("RUN", **times) == 8
    assert used("RUN", hiding("endedAt"), **times) == 7
    assert used("RUN", createdAt=at(9)) == 9
    assert used("RUN", hiding("endedAt", "startedAt", "createdAt"), **times) is None


def test_a_deployment_serves_until_it_is_retired() -> None:
    """An active deployment is a use today, another one on the day of its `retiredAt`, which is not after today."""
    assert used("DEPLOYMENT", status="ACTIVE") == 10
    assert used("DEPLOYMENT", hiding("status"), status="ACTIVE") is None
    assert used("DEPLOYMENT", status="PENDING") is None
    assert used("DEPLOYMENT", status="RETIRED", retiredAt=at(4)) == 4
    assert used("DEPLOYMENT", status="ROLLED_BACK", retiredAt=at(20)) == 10
    assert used("DEPLOYMENT", hiding("retiredAt"), status="RETIRED", retiredAt=at(4)) is None


def test_a_deployment_itself_is_in_use_while_it_serves() -> None:
    """The state of a deployment is its own use, without items."""
    assert last_use_of(plain_row("DEPLOYMENT", "d", status="ACTIVE"), [], TODAY) == TODAY
    assert last_use_of(plain_row("DEPLOYMENT", "d", status="PENDING"), [], TODAY) is None
    assert last_use_of(MODEL, [], TODAY) is None


def test_callers_and_recorded_usage_count() -> None:
    """A caller of a service is a use today; recorded usage of a part counts on its last day that is not zero."""
    days = {"2026-03-02": {"reads": 3}, "2026-03-05": {"calls": 1}, "2026-03-06": {"calls": 0}}
    assert used("SERVICE") == 10
    assert used("TEAM", near=plain_row("USAGE_MONTH", "u", days=days)) == 5
    assert used("TEAM", near=plain_row("USAGE_MONTH", "u", days={"2026-03-06": {"calls": 0}})) is None


def test_the_last_use_counts() -> None:
    """Of several uses, the latest day is returned."""
    items = [PageItem(plain_row("RUN", str(day), endedAt=at(day)), (day,)) for day in (3, 6, 5)]
    assert last_use_of(MODEL, items, TODAY) == date(2026, 3, 6)


def test_the_kinds_with_uses_are_known() -> None:
    """The kinds with uses, written by hand."""
    parts = "Dataset DatasetVersion FeatureSet Feature Model ModelVersion"
    assert {*USES} == {*parts.split(), "Service", "Workflow"}


@pytest.mark.parametrize("kind", USES)
def test_uses_are_disclosed_by_fields_of_the_schema(kind: str) -> None:
    """Each field that discloses uses exists on its type, so that its label governs them; so for parts."""
    core = build_schema().core
    disclosed = USES[kind].disclosed_fields
    for name, fields in disclosed.items():
        assert name in KINDS
        type_ = core.get_type(name)
        assert isinstance(type_, GraphQLObjectType)
        assert fields <= type_.fields.keys()
    assert {*disclosed} >= {kind, *(each.name for each in ALL_KINDS.values() if each.parent == kind)}
