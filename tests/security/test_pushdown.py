"""Row filters in the store select the rows that Python and Cedar select, by the index alone."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import Any

import pytest
from strawberry import ID
from structlog.testing import capture_logs
from support.oracles.decision_table import CALLERS, READ, WRITE, team
from support.stores.bulk_vertices import every_class, load
from support.stores.janusgraph import StoreGraph
from support.stores.level_bindings import level_bindings
from support.stores.writers import shipped_policy

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.groovy.word_beginnings import WORD_BEGINNINGS
from app.graph.reading.access.row_conditions import condition_of_rows
from app.graph.reading.access.row_policy import RowPolicy
from app.graph.reading.level.index_filter import filter_of
from app.graph.reading.level.index_query import IndexQuery
from app.graph.reading.level.level_batcher import LevelBatcher, LevelRequest, LevelResponse
from app.graph.reading.level.level_statement import LEVEL
from app.graph.reading.reader import PolicedReader
from app.graph.records.read_time import ReadTime
from graphql_schema.catalog.enums import AssetKind, LifecycleStage, Sensitivity
from graphql_schema.catalog.kinds import KIND_OF_CODE
from graphql_schema.fields.filter_fields import StringFilter
from graphql_schema.fields.filters import (
    AssetFilter,
    AssetOrder,
    AssetOrderField,
    OrderDirection,
    asset_listing,
)
from graphql_schema.ports.conditions import In
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.rules.search_text import parse_search_text
from graphql_schema.search.search_conditions import search_query
from policies.access import Access
from policies.attributes import PolicyAttributes
from policies.policy import Policy
from policies.predicate import Everything, Predicate, compiled
from policies.principal import Principal, PrincipalKind
from policies.vocabulary import RowAction

pytestmark = pytest.mark.long

TEAMS = (team("ranking"), team("ads"), team("governance"), team("platform"))
ROLES = ("reader", "engineer", "automation", "approver", "auditor", "admin")
CLASSES = every_class((*TEAMS, ""))
ESTATE = 20_000
COMPARED = "classes"
"""The tenant that has one asset of each class; the other one has the estate."""

FIELDS = ("params", "error")
"""Fields whose visibility is pushed down as well: of another label in runs than in model versions, or in runs only."""


@dataclass(frozen=True)
class Twin:
    """A store with an estate, and a second tenant with one asset per asset class; ``vids`` are in their order."""

    client: GremlinClient
    graph: StoreGraph
    policy: Policy
    vids: list[int]


@pytest.fixture(scope="module")
async def twin(module_graph: StoreGraph) -> AsyncIterator[Twin]:
    """Load both tenants."""
    async with GremlinClient(module_graph.url, source=module_graph.source, deadline=120) as client:
        vids = await load(client, COMPARED, CLASSES)
        await load(client, "default", [CLASSES[number % len(CLASSES)] for number in range(ESTATE)])
        yield Twin(client, module_graph, shipped_policy(), vids)


def callers(number: int) -> list[Principal]:
    """Return random callers: with no team up to all teams, with any roles, every fifth with break-glass access."""
    dice = Random(11)
    return [
        Principal(
            f"caller{each}",
            dice.choice([*PrincipalKind]),
            COMPARED,
            teams=frozenset(dice.sample(TEAMS, dice.randint(0, 3))),
            roles=frozenset(dice.sample(ROLES, dice.choice((0, 1, 1, 2)))),
            scopes=frozenset({READ, WRITE}),
            break_glass="an outage" if each % 5 == 0 else None,
        )
        for each in range(number)
    ]


async def pushed_down(twin: Twin, predicates: Sequence[Predicate]) -> list[set[int]]:
    """Return the ids that the real level statement finds with the Gremlin form of each predicate."""
    queries = [IndexQuery(filter_of(condition_of_rows(each)), 2 * len(CLASSES)) for each in predicates]
    listings = [query.wire() for query in queries]
    (found,) = await twin.client.submit(LEVEL, level_bindings(listings=listings, tenant=COMPARED))
    return [set(each["x"]) for each in found["l"]]


def has(attributes: PolicyAttributes, name: str, policy: Policy) -> bool:
    """Return whether rows of this kind have a field."""
    return name in policy.labels[KIND_OF_CODE[attributes.kind].name]


def cedar(policy: Policy, caller: Principal) -> list[list[bool]]:
    """Return Cedar's decisions on each class: discover, read, and filter by each of the fields."""
    requested = [(action, row) for row in CLASSES for action in ("discover", "read")]
    requested += [
        (f"{KIND_OF_CODE[row.kind].name}.{name}", row) for row in CLASSES for name in FIELDS if has(row, name, policy)
    ]
    responses = policy.engine.decide_all(caller, requested)
    stated = {question: response.allowed for question, response in zip(requested, responses, strict=True)}
    result = []
    for row in CLASSES:
        discover, read = stated["discover", row], stated["discover", row] and stated["read", row]
        opens = [
            read and stated[f"{KIND_OF_CODE[row.kind].name}.{name}", row] if has(row, name, policy) else discover
            for name in FIELDS
        ]
        result.append([discover, read, *opens])
    return result


async def test_store_python_and_cedar_find_the_same_rows(twin: Twin) -> None:
    """Store, Python and Cedar agree on four decisions for more than 100,000 pairs of a caller and an asset class."""
    pairs = differences = decisions = 0
    for caller in callers(46):
        access = twin.policy.access(caller)
        predicates = [*(access.rows(action) for action in RowAction), *map(access.rows_showing, FIELDS)]
        found = await pushed_down(twin, predicates)
        tests = [compiled(predicate) for predicate in predicates]
        for vid, row, expected in zip(twin.vids, CLASSES, cedar(twin.policy, caller), strict=True):
            store, python = [vid in ids for ids in found], [test(row) for test in tests]
            differences += (store != expected) + (python != expected)
            pairs += 1
            decisions += len(expected)
    print(f"{pairs:,} pairs, {decisions:,} answers of each, {differences} differences")  # noqa: T201 - the result
    assert (pairs, differences) == (128_800, 0)


@dataclass(slots=True)
class Recording(LevelBatcher):
    """Sends requests unchanged and records their listings."""

    listings: list[dict[str, Any]] = field(default_factory=list)

    async def fetch(self, request: LevelRequest) -> LevelResponse:
        """See LevelBatcher."""
        self.listings.extend(request.listings)
        return await LevelBatcher.fetch(self, request)


PROFILE = (
    WORD_BEGINNINGS
    + LEVEL.text[LEVEL.text.index("def many =") : LEVEL.text.index("def page =")]
    + """
def flat = { m -> [[m.name, m.annotations, m.counts]] + m.nested.collectMany { flat(it) } }
def told = { t -> t.profile().next().metrics.collect { flat(it) } }
listings.collectMany { q ->
  def t = narrow(q.f).order().by(q.o, q.d ? desc : asc)
  if (q.o != 'urn') t = t.by('urn', q.d ? desc : asc)
  [told(t.limit(q.n).id()), *(q.c ? [told(narrow(q.t).limit(10001).id().count())] : [])]
}
"""
).replace("def flat = {", "def flat\nflat = {")
"""The level text's own filters, profiled: name, annotations and counts of each step and of what is inside."""

ALONE = {"JanusGraphStep", "IdStep", "RangeGlobalStep", "CountGlobalStep", "JanusGraphMixedIndexCountStep"}
"""Steps of a listing that the index answers alone: it starts there, and nothing is filtered or sorted after it."""


def faults(steps: list[list[list[Any]]]) -> list[str]:
    """Return the signs in a profile that the index alone did not answer a traversal."""
    reported = []
    for step in steps:
        name = step[0][0].partition("(")[0]
        if name not in ALONE:
            reported.append(f"{name} runs in memory")
        for inner, annotations, _ in step:
            if "false" in {str(annotations.get(key)).lower() for key in ("isFitted", "isOrdered")}:
                reported.append(f"{inner} is not fitted or not ordered")
            if annotations.get("fullscan"):
                reported.append("the graph is scanned")
            if inner == "GraphCentricQuery" and annotations.get("index") not in {"nodes", None}:
                reported.append("no index")
    return reported


NOON: Any = 1_700_000_010_000
"""An instant within the estate, as the schema hands it to a filter."""

FILTERS = {
    "nothing": None,
    "kinds": AssetFilter(kinds=[AssetKind["RUN"], AssetKind["MODEL_VERSION"]]),
    "stage": AssetFilter(stages=[LifecycleStage.ACTIVE]),
    "sensitivity": AssetFilter(sensitivities=[Sensitivity.RESTRICTED], kinds=[AssetKind["MODEL"]]),
    "prefix": AssetFilter(name=StringFilter(prefix="a1")),
    "contains": AssetFilter(name=StringFilter(contains="9")),
    "no owner": AssetFilter(owned=False),
    "no tag": AssetFilter(tags=[ID("")]),
    "either": AssetFilter(or_=[AssetFilter(stages=[LifecycleStage.DRAFT]), AssetFilter(created_after=NOON)]),
    "neither": AssetFilter(
        not_=AssetFilter(or_=[AssetFilter(stages=[LifecycleStage.DRAFT]), AssetFilter(owner_teams=[ID(TEAMS[0])])])
    ),
}
ORDERS = {
    "id": None,
    "name": AssetOrder(field=AssetOrderField.NAME, direction=OrderDirection.DESC),
    "created": AssetOrder(field=AssetOrderField.CREATED_AT, direction=OrderDirection.ASC),
    "updated": AssetOrder(field=AssetOrderField.UPDATED_AT, direction=OrderDirection.DESC),
}
LONG_NAME = " ".join(f"forecast{letter}" for letter in "abcdefghijkl")
TYPED = ("a1", "telemetry churn", "reccomendation of a1 dail", LONG_NAME, "mlg://dataset/hive/prod/orders%20daily")
"""What is searched for: words, beginnings and typing errors, a long name, and an id."""

TOGETHER = (("stage", "created"), ("either", "name"), ("neither", "updated"))
"""Filters and orders that are joined, and counted; the others are tried one by one."""


async def listings_of(twin: Twin, access: Access) -> list[dict[str, Any]]:
    """Return the index queries of every filter and order, first and second page, as the reader sends them."""
    coalescer = Recording(twin.client, "default", ReadTime(1_750_000_000_000))
    reader = PolicedReader(coalescer, RowPolicy(access, "default", PolicyReport("v")))
    for where, order in [*((each, "id") for each in FILTERS), *(("nothing", each) for each in ORDERS), *TOGETHER]:
        listing = asset_listing(FILTERS[where], ORDERS[order])
        first = await reader.listing(listing, PageRequest(20, total=(where, order) in TOGETHER))
        if first.has_next:
            await reader.listing(listing, PageRequest(20, after=first.items[-1].position))
    for text, where in product(TYPED, ("nothing", "either", "neither")):
        await reader.search(search_query(parse_search_text(text), FILTERS[where]))
    best = [{**each, "f": filter_} for each in coalescer.listings for filter_ in each.get("b", ())]
    return [*coalescer.listings, *best]


READERS = ("ada", "bo", "cy", "eli", "root", "guest", "engineer-auditor")


@pytest.mark.parametrize("name", READERS)
async def test_every_listing_is_answered_by_the_index_alone(twin: Twin, name: str) -> None:
    """For callers of every rule, filter and order over 20,000 assets: no step runs in memory, nothing is scanned."""
    with capture_logs() as lines:
        listings = await listings_of(twin, twin.policy.access(CALLERS[name]))
    assert [line for line in lines if line["event"] == "policy_pushdown_mismatch"] == []
    assert len(listings) > 30
    profiles: list[Any] = await twin.graph.run(PROFILE, listings=listings, tenant="default")
    assert len(profiles) >= len(listings)
    assert {fault for steps in profiles for fault in faults(steps)} == set()


async def test_a_scan_is_detected(twin: Twin) -> None:
    """The profile exposes a scan, provoked by a filter on a value that the index does not hold."""
    scan = IndexQuery(filter_of(In("revision", (1,))), 20).wire()
    (steps,) = await twin.graph.run(PROFILE, listings=[scan], tenant="default")
    assert faults(steps) != []  # type: ignore[arg-type]


class OpenFilter(RowPolicy):
    """A row policy whose filter lets every row pass, as a defect of the filter could."""

    def rows_filter(self) -> Predicate:
        """Return a predicate that is true for every row."""
        return Everything()

    def shown(self, key: str) -> Predicate:  # noqa: ARG002 - as in RowPolicy
        """Return the same for the rows that show a property."""
        return Everything()


async def test_a_row_filter_that_is_too_open_is_logged_with_ids(twin: Twin) -> None:
    """Listing and search return no hidden row that the index found, and log its id; they once logged a number."""
    policy = OpenFilter(twin.policy.access(CALLERS["guest"]), "default", PolicyReport("v"))
    reader = PolicedReader(LevelBatcher(twin.client, "default", ReadTime(1_750_000_000_000)), policy)
    with capture_logs() as lines:
        page = await reader.listing(asset_listing(None, None), PageRequest(200))
        hits = await reader.search(search_query(parse_search_text("a1"), None))
    assert len(page.items) < 200
    hidden = [line["urn"] for line in lines if line["event"] == "policy_pushdown_mismatch"]
    assert len(hidden) > 200 - len(page.items)
    assert {*hidden}.isdisjoint({row.urn for row in (*hits.rows, *(item.row for item in page.items))})
    assert [urn for urn in hidden if not urn.startswith("mlg://")] == []
