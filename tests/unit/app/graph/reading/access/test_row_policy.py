"""The policy is evaluated on thousands of records in turns, so that others run in between; what is a mismatch of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest
from support.stores.writers import NOW, person, shipped_policy, urn
from support.unpaused_calls import UnpausedCalls

from app.graph.commits.sensitivity_floors import FloorView, SensitivityFloor
from app.graph.reading.access.row_policy import RowPolicy
from app.graph.reading.attached_records import AttachedRecords
from app.graph.reading.level.hop_plan import Adjacency
from app.graph.reading.level.level_batcher import LevelBatcher, LevelRequest, LevelResponse
from app.graph.reading.listing_pages import ListingPages
from app.graph.reading.rows_by_id import RowsById
from app.graph.reading.search_reader import SearchReader
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import ReadTime
from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import stub, with_effective_sensitivity
from graphql_schema.ports.conditions import ALWAYS, ListingQuery
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.record import Record
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.search_query import SearchQuery

MANY = 2_000
FEW = 500
"""Number of evaluations that take a few milliseconds."""

DATA = [urn(f"dataset d{number}") for number in range(MANY)]
ASSETS: dict[int, Record] = {vertex_id("default", each): stub("default", each, "root", NOW) for each in DATA}
INCIDENTS: dict[int, Record] = {
    vertex_id("default", each): {"id": each, "kind": "INCIDENT", "tenant": "default", "createdAt": NOW}
    for each in (f"mlg://incident/test/default/i{number}" for number in range(5))
}
"""Incidents, each of them on MANY assets."""

EDGES: Adjacency = {vid: [(far, {"relation": "RAISED_ON", "at": NOW}) for far in ASSETS] for vid in INCIDENTS}


@dataclass
class Batcher:
    """Answers each request with the same listed records and the edges of incidents to all assets."""

    listed: Sequence[int]
    instant: ReadTime = field(default_factory=lambda: ReadTime(NOW))
    budget: OperationBudget = field(default_factory=OperationBudget)

    async def fetch(self, request: LevelRequest) -> LevelResponse:
        """Return the records: as many listed ones as are wanted."""
        listings = [{"x": [*self.listed[: each["n"]]], "s": [], "n": -1} for each in request.listings]
        return LevelResponse([EDGES for _ in request.hops], {**ASSETS, **INCIDENTS}, listings)


def rows(listed: Sequence[int], *, hides: bool = False) -> VisibleRows:
    """Return the rows of a reader; a floor hides all assets if ``hides``."""
    floors = FloorView("default")
    if hides:
        floors.add(SensitivityFloor("default", "RESTRICTED", frozenset(ASSETS)))
    access = shipped_policy().access(person("ada", "team ranking"))
    policy = RowPolicy(access, "default", PolicyReport("v1"), floors)
    return VisibleRows(cast("LevelBatcher", Batcher(listed)), policy)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> UnpausedCalls:
    """Return the count of evaluations of the policy."""
    found = UnpausedCalls(monkeypatch)
    found.observe(VisibleRows, "row")
    found.observe(RowPolicy, "raised_by_floor")
    found.observe(RowsById, "remember")
    return found


async def test_subjects_of_listed_records_are_evaluated_in_turns(calls: UnpausedCalls) -> None:
    """A list of incidents on thousands of assets evaluates all of these subjects for each."""
    known = rows([*INCIDENTS])
    page = await AttachedRecords(known, RowsById(known)).page("Incident", ALWAYS, PageRequest(20), newest_first=True)
    assert {item.row.urn for item in page.items} == {each["id"] for each in INCIDENTS.values()}
    assert calls.longest <= FEW


async def test_subjects_of_records_by_id_are_evaluated_in_turns(calls: UnpausedCalls) -> None:
    """A record that is read by its id is read with thousands of subjects."""
    urns = [str(each["id"]) for each in INCIDENTS.values()]
    found = await RowsById(rows([])).many(urns)
    assert [row.urn for row in found if row is not None] == urns
    assert calls.longest <= FEW


async def test_floors_are_applied_in_turns(calls: UnpausedCalls) -> None:
    """Lists and searches leave out what a floor raises: of thousands of records, in turns."""
    listing = ListingQuery(ALWAYS)
    page = await ListingPages(rows([*ASSETS], hides=True)).page(listing, PageRequest(None))
    assert page.items == ()
    found = await SearchReader(rows([*ASSETS], hides=True)).candidates(SearchQuery(ALWAYS, ALWAYS, ()))
    assert found.rows == ()
    assert calls.longest <= FEW


async def test_records_under_floors_are_evaluated_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may need the rights of the caller whose write raises it, which take half a millisecond to decide."""
    calls = UnpausedCalls(monkeypatch)
    calls.observe(RowPolicy, "row")
    await rows([*ASSETS], hides=True).fetch(LevelRequest())
    assert calls.longest == 1


def test_what_a_floor_hides_since_the_response_is_no_mismatch() -> None:
    """A write raised a chain of assets while a list was read: each was reported as a defect, which others still are."""
    floors, report = FloorView("default"), PolicyReport("v1")
    policy = RowPolicy(shipped_policy().access(person("ada", "team ranking")), "default", report, floors)
    (vid, record), (other, secret) = [*ASSETS.items()][:2]
    assert policy.row(vid, record) is not None
    floors.add(SensitivityFloor("default", "RESTRICTED", frozenset({vid})))
    assert policy.row(vid, record) is None
    policy.mismatched(vid, record)
    policy.mismatched(vid, {**record, "sensitivity": "PUBLIC", "declaredSensitivity": "PUBLIC"})
    policy.mismatched(vid, with_effective_sensitivity(record, "RESTRICTED", confirmed=True))
    assert report.mismatches == 0
    policy.mismatched(other, {**secret, "sensitivity": "RESTRICTED"})
    floors.add(SensitivityFloor("default", "CONFIDENTIAL", None))
    policy.mismatched(other, {**secret, "sensitivity": "RESTRICTED"})
    policy.mismatched(other, {**secret, "tenant": "acme"})
    policy.mismatched(other, {**secret, "visibility": "TEAM", "ownerTeam": urn("team ads")})
    assert report.mismatches == 4
