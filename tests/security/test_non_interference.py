"""Two estates that differ only in what is hidden from a caller return the same bytes to that caller for every query.

``make test-worlds QUERIES=20000`` runs more queries. The decisions of the policy are tested elsewhere; this test
proves that no field, total, error, header or log line discloses anything that the policy hides.
"""

import asyncio
import contextlib
import os
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from random import Random
from typing import Any, cast

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLSchema
from structlog.testing import capture_logs
from support.documents.change_plans import ACKNOWLEDGE, CLOSE, PLAN
from support.documents.id_arguments import references
from support.documents.random_operations import Generator, Operation
from support.estates.estate_values import DOMAINS, HUSH, TAGS, TEAMS, TIMES, USERS, VEIL
from support.estates.twin_estates import NAMES
from support.stores.janusgraph import GraphHost
from support.stores.observed_requests import ObservedRequests
from support.stores.twin_stores import CALLERS, Response, Twins, TwinTransport, open_twins

from app.cli.impact.change_impact import FailOn, planned, read_change_impact
from app.cli.impact.impact_text import text_of
from app.ingest.load.api_client import ApiClient, RequestRejectedError, TokenRefusedError
from app.store.schema_stamp import StoreSchema
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import LINEAGE, Direction
from graphql_schema.catalog.urn import make_urn
from graphql_schema.fields.scalars import instant_text
from graphql_schema.operation.field_guards import governed_fields
from policies.decision import Grade
from policies.errors import InvalidError

pytestmark = pytest.mark.long

QUERIES = int(os.environ.get("QUERIES", "3500"))
"""Number of operations, each of which is sent to both twin stores."""

SEED = int(os.environ.get("SEED", "1"))
MOST_PAGES = 4
VERSIONED = frozenset(kind.name for kind in KINDS.values() if kind.versioned)
ABREAST = 8
"""Operations that are under way at once."""

PREFER: tuple[dict[str, str], ...] = ({"Prefer": "policy=strict"}, {"Prefer": "cost"}, *({},) * 8)
CURSOR = re.compile(r'"(?:cursor|startCursor|endCursor)":"([^"]+)"')

TEXTS = (
    *(*NAMES, "al", "alhpa", "test b", "default", VEIL, VEIL[:3], HUSH, HUSH[:2], f"{HUSH}1"),
    *(f"{NAMES[0]} v1", f"{NAMES[1]} version 0", f"{VEIL} v1"),
    *(urn.rsplit("/", 1)[1] for urn in (TEAMS[0], USERS[0], TAGS[0], DOMAINS[0])),
)
"""Texts of searches: names, beginnings, typing errors, versions, hidden words, and entries of the directory."""


@pytest.fixture(scope="module", params=CALLERS)
async def twins(
    request: pytest.FixtureRequest,
    graph_host: GraphHost,
    store_schema: StoreSchema,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Twins]:
    """Open the twin stores of each caller in turn."""
    folder = tmp_path_factory.mktemp("worlds")
    async with open_twins(request.param, SEED, graph_host, store_schema, folder) as opened:
        yield opened


def _pools(twins: Twins) -> dict[str, tuple[Any, ...]]:
    """Return what a caller sees or may guess: ids, names and times of both stores, hidden ones included."""
    apart = twins.estates
    observed, hidden = apart.ids(Grade.READ, Grade.DISCOVER), apart.ids(Grade.HIDDEN)
    unknown = [f"{urn}-not" for urn in observed[::9]]
    others = [*TEAMS, *USERS, *TAGS, *DOMAINS]
    names = sorted({urn.rsplit("/", 1)[1].partition("@")[0] for urn in hidden if VEIL in urn})
    ids = (*observed, *observed, *hidden, *unknown, *others)
    keys = {pair["key"] for estate in apart.estates.values() for _, _, item in estate.registered
            for pair in (item.values.get("properties") or ())}  # fmt: skip
    values = {pair["value"] for estate in apart.estates.values() for _, _, item in estate.registered
              for pair in (item.values.get("properties") or ())}  # fmt: skip
    hours = [instant_text(time + step) for time in TIMES[:4] for step in (-1, 0, 1, 3_600_000, 7_200_000)]
    kinds = {
        kind: tuple(urn for urn in observed if apart.things[urn].kind == kind)
        for kind in {one.kind for one in apart.things.values()}
    }
    return {
        **kinds,
        "Team": TEAMS,
        "User": USERS,
        "Domain": DOMAINS,
        "id": ids,
        "ids": ids,
        "roots": ids,
        "from": ids,
        "to": ids,
        "maxDepth": (0, 1, 2, 3, 5, 20),
        "maxPaths": (1, 3),
        "maxLength": (1, 4, 12),
        "maxElements": (1, 4, 12, 300),
        "openLevels": (0, 1, 2, 50),
        "level": (-2, -1, 0, 1, 2),
        "group": ("ALL", "KIND=DATASET", "LEVEL=1 KIND=MODEL_VERSION", f"TEAM={TEAMS[0]}", f"DOMAIN={DOMAINS[0]}", "x"),
        "nextTo": ids,
        "subjects": (*ids, *others),
        "actors": ("root", "loader", f"{HUSH}9000", f"{HUSH}9001"),
        "ownerTeams": (*TEAMS, *USERS, *DOMAINS, ""),
        "owners": (*TEAMS, *USERS),
        "tags": TAGS,
        "domains": DOMAINS,
        "String": (*NAMES, *names, "default", "test", "prod"),
        "prefix": ("al", "b", VEIL, VEIL[:2], "\u03b3", *names, "te"),
        "eq": (*NAMES, *names, "default", "test", "prod", *sorted(values)),
        "contains": ("a", "et", VEIL[1:], "β", "test"),
        "version": ("v0", "v1", "v7", "v12", f"{VEIL}3"),
        "text": (*TEXTS, *names[::3]),
        "key": tuple(sorted(keys)),
        "name": tuple(urn.rsplit("/", 1)[1] for urn in TEAMS),
        "DateTime": tuple(hours),
        "first": (*(0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5) * 4, 20, 500, 501),
        "days": (1, 30, 400),
        "unusedForDays": (1, 7, 30, 400),
        "alias": ("champion", "challenger"),
        "minConfidence": (0.0, 0.25, 0.5, 1.0),
        "Boolean": (True, False),
        "Float": (0.0, 0.5, 2.0, 100.0),
        "Date": ("2026-01-01", "2026-02-01", "2026-03-01"),
    }


async def _run(twins: Twins, generator: Generator, number: int) -> tuple[Counter[str], Counter[str]]:
    """Send the given number of operations, then more until every field is reached; return coordinates and outcomes."""
    reached = generator.answered
    outcomes: Counter[str] = Counter()
    while twins.requested < number or (_unmet(twins, generator) and twins.requested < 4 * number):
        walks = (generator.walked, generator.neighboured, generator.rolled_up)
        makers = (generator.query, *(generator.focused,) * 3, generator.paged, generator.past, *walks)
        batch = [(generator.random.choice(makers)(), generator.random.choice(PREFER)) for _ in range(ABREAST)]
        for operation, responses in await asyncio.gather(*(_answers(twins, *each) for each in batch)):
            for response in responses:
                _tally(operation, response, reached, outcomes)
                generator.cursors = [*generator.cursors[-50:], *CURSOR.findall(response.content.decode())[:3]]
    return reached, outcomes


def _tally(operation: Operation, response: Response, reached: Counter[str], outcomes: Counter[str]) -> None:
    """Count the coordinates that a response reached, and its outcome."""
    errors = response.body.get("errors", [])
    outcomes["with errors" if errors else "whole"] += 1
    outcomes.update(f"{error['extensions']['code']} {error['message'][:48]}" for error in errors)
    for coordinate, reported in operation.reached(response.body.get("data")):
        reached[coordinate] += 1
        reached[f"{coordinate} told"] += reported


async def _answers(twins: Twins, operation: Operation, headers: dict[str, str]) -> tuple[Operation, list[Response]]:
    """Return the response to an operation, and the pages that follow it."""
    responses = [await twins.ask(operation.text, operation.variables, **headers)]
    while operation.page and len(responses) < MOST_PAGES:
        place: Any = responses[-1].body.get("data")
        for step in operation.page:
            place = (place or {}).get(step)
        info = (place or {}).get("pageInfo") or {}
        if not info.get("hasNextPage"):
            break
        after = {**operation.variables, "after": info["endCursor"]}
        responses.append(await twins.ask(operation.text, after, **headers))
    return operation, responses


def _governed(schema: GraphQLSchema) -> Iterator[str]:
    """Return every governed field that a query reaches."""
    fields = governed_fields(schema).fields.items()
    return (f"{name}.{field}" for name, fields in fields for field in fields)


def _conditions(schema: GraphQLSchema) -> Iterator[str]:
    """Return every filter condition and every order, by the names that the generator counts."""
    for name in ("AssetFilter", "StringFilter", "PropertyFilter", "LineageFilter", "AssetOrder", "ChangeFilter"):
        yield from (f"{name}.{field}" for field in cast("GraphQLInputObjectType", schema.type_map[name]).fields)
    for name in (
        "AssetOrderField",
        "OrderDirection",
        "LifecycleStage",
        "Sensitivity",
        "Hydration",
        "RiskTier",
        "HealthStatus",
        "AssetKind",
        "Facet",
    ):
        yield from (f"{name}={value}" for value in cast("GraphQLEnumType", schema.type_map[name]).values)


def _unasked(twins: Twins, generator: Generator) -> list[str]:
    """Return the conditions and orders that no operation has used yet."""
    return [name for name in _conditions(twins.estates.schema) if not generator.requested[name]]


def _unmet(twins: Twins, generator: Generator) -> bool:
    """Return whether a field was not queried, or not returned, yet."""
    fields = _governed(twins.estates.schema)
    return bool(_unasked(twins, generator)) or not all(generator.answered[name] for name in fields)


async def test_no_difference(twins: Twins, capsys: pytest.CaptureFixture[str]) -> None:
    """Status, headers, data, errors, extensions, totals and cursors are equal, and no hidden value is in them.

    The operations reach every governed field, every filter and every order, and most are answered whole. Neither does
    the log of the process disclose anything, nor the access log any value.
    """
    schema = twins.estates.schema
    generator = Generator(schema, Random(f"{SEED}{twins.who}"), _pools(twins))
    with capture_logs() as log:
        reached, outcomes = await _run(twins, generator, QUERIES // len(CALLERS))
    reported = sum(1 for name in _governed(schema) if reached[f"{name} told"])
    with capsys.disabled():
        sys.stdout.write(
            f"\n{twins.who}: {twins.requested} operations, {dict(outcomes.most_common(2))}, {reported} reported\n"
        )
    assert twins.differing[:1] == [], f"{len(twins.differing)} differ"
    assert twins.leaking[:1] == [], f"{len(twins.leaking)} tell"
    assert log == []
    assert not twins.log.exists() or HUSH not in twins.log.read_text()
    assert [name for name in _governed(schema) if not reached[name]] == []
    assert _unasked(twins, generator) == []
    assert outcomes["whole"] > 5 * outcomes["with errors"]
    assert reported > len([*_governed(schema)]) / 2


DRY_RUN = """mutation ($items: [AssetInput!]!) { registerAssets(input: {items: $items, dryRun: true}) { failed results {
  outcome revision changed asset { id ... on Asset { displayName } } errors { code message inputPath currentRevision }
} } }"""


def _dry_runs(twins: Twins, random: Random) -> Iterator[dict[str, Any]]:
    """Yield new assets that refer to visible, hidden or unknown ids, and links between ends without edges."""
    apart, every = twins.estates, references()
    of: dict[str, list[str]] = {}
    for urn, one in apart.things.items():
        of.setdefault(one.kind, []).append(urn)
    owners: tuple[list[dict[str, str]], ...] = ([{"owner": TEAMS[0]}], [{"owner": TEAMS[1]}], [])
    needs: dict[str, dict[str, Any]] = {"Run": {"state": "COMPLETE"}}
    for number, each in enumerate(every):
        fars = of[each.far]
        for far in (random.choice(fars), random.choice(fars), f"{fars[0]}-not"):
            urn = make_urn(KINDS[each.kind].slug, "test", "new", f"n{number}", "1" if each.kind in VERSIONED else None)
            yield each.item(urn, far, owners=random.choice(owners), **needs.get(each.kind, {}))
    joined = {(link.relation, link.source, link.target) for estate in apart.estates.values() for link in estate.links}
    for relation in LINEAGE:
        for source, target in sorted(relation.ends):
            ends = random.choice(of[source]), random.choice(of[target])
            changed = ends[1] if relation.owning_end is Direction.OUT else ends[0]
            if (relation.name, *ends) not in joined and apart.things[changed].grade is not Grade.HIDDEN:
                yield {"link": {"relation": relation.name, "from": ends[0], "to": ends[1]}}


async def test_no_difference_of_dry_runs(twins: Twins) -> None:
    """The outcome of a dry run does not distinguish hidden assets from absent ones."""
    items = [*_dry_runs(twins, Random(f"{SEED}{twins.who}"))]
    before = len(twins.differing)
    for start in range(0, len(items), 40):
        response = await twins.ask(DRY_RUN, {"items": items[start : start + 40]})
    assert twins.differing[before:] == []
    assert twins.leaking == []
    code = response.body.get("errors", [{}])[0].get("extensions", {}).get("code")
    assert code == (None if "graph:write" in CALLERS[twins.who].scopes else "FORBIDDEN")


async def test_requests_by_id(twins: Twins) -> None:
    """A hidden id takes the same number of store requests as an unknown one."""
    query = "query ($id: ID!) { node(id: $id) { id } asset(id: $id) { displayName owners { ownership } } }"
    counts = set()
    for urn in twins.estates.ids(Grade.HIDDEN)[:20]:
        for each in (urn, f"{urn}-not"):
            requests = ObservedRequests()
            twins.pair[0].client.observers.append(requests)
            await twins.ask(query, {"id": each})
            twins.pair[0].client.observers.remove(requests)
            counts.add(requests.of_operations.total())
    assert len(counts) <= 1


EVERY_PLAN = "{ changePlans(first: 500) { nodes { id } } }"
PLANS = """query ($after: Cursor) {
  changePlans(first: 5, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes {
    id title plannedBy plannedAt maxDepth outcome closedAt closedBy roots { id }
    impact { total countsByKind { kind count } teams { team { id } reasons assets }
      completeness { state reason hidden } }
    impactNow { total assets { nodes { asset { id } } } }
    status { state waiting complete added removed teams { reasons isNew team { id }
      acknowledgement { decision reason at by user { id } } } }
} } }"""
WAITING = """{ myWork { plans { total examined complete nodes { plan { id } teams { id } } } }
  changes(first: 200) { nodes { action actor reason subjectId fields { field before after } } } }"""
"""Every read of plans: a list with all fields, those that wait for the caller, and the audit of the assets."""


async def _plan_ids(twins: Twins) -> list[str]:
    """Return the ids of all plans, those that are hidden from the caller or in one store only included."""
    every: dict[str, None] = {}
    for twin in twins.pair:
        response = await twin.post("root", {"query": EVERY_PLAN})
        every |= dict.fromkeys(plan["id"] for plan in response.body["data"]["changePlans"]["nodes"])
    return [*every, f"{next(iter(every))}0"]


def _plan_mutations(
    twins: Twins, random: Random, plans: Sequence[str], own: Sequence[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield mutations of plans: new ones of visible, hidden and unknown assets, decisions, ends, late decisions.

    ``own`` are assets that the caller may update; decisions are those of the teams of the caller and of another one.
    """
    hidden = twins.estates.ids(Grade.HIDDEN) or [f"{own[0]}-not"]
    for number in range(2):
        shown, shut = random.choice(own), random.choice(hidden)
        for kind, roots in enumerate(([shown], [shown, shut], [shut], [shown, f"{shown}-not"])):
            yield PLAN, {"roots": roots, "title": f"new {number} {kind}", "maxDepth": random.choice((1, 20))}
    for number, plan in enumerate(plans):
        for team in dict.fromkeys([TEAMS[0], TEAMS[number % 3]]):
            given = {"plan": plan, "team": team, "reason": "for now"}
            yield ACKNOWLEDGE, {**given, "decision": random.choice(("AGREED", "OBJECTED", "NOT_CONCERNED"))}
    for plan in plans[::3]:
        yield CLOSE, {"plan": plan, "outcome": random.choice(("DONE", "WITHDRAWN"))}
    for plan in plans[::6]:
        yield ACKNOWLEDGE, {"plan": plan, "team": TEAMS[0], "decision": "AGREED"}


async def test_no_difference_of_plans(twins: Twins) -> None:
    """Planning, acknowledging and closing respond alike, and so do all reads of the plans afterwards."""
    before, apart, codes = len(twins.differing), twins.estates, Counter[str]()
    observed = apart.ids(Grade.READ, Grade.DISCOVER)
    own = [urn for urn in observed if apart.access.may("update", apart.things[urn].attributes).allowed]
    mutations = _plan_mutations(twins, Random(SEED), await _plan_ids(twins), own or observed)
    for number, (query, given) in enumerate(mutations):
        for dry_run in (True, False) if number % 4 == 0 else (False,):
            response = await twins.write(query, {"input": {**given, "dryRun": dry_run}})
            payload = next(iter((response.body.get("data") or {}).values()), None)
            codes.update([error["code"] for error in payload["errors"]] or ["accepted"] if payload else ["FORBIDDEN"])
    after, more = None, True
    while more:
        page = (await twins.ask(PLANS, {"after": after})).body["data"]["changePlans"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    await twins.ask(WAITING)
    assert twins.differing[before:] == []
    assert twins.leaking == []
    if "graph:write" not in CALLERS[twins.who].scopes:
        assert [*codes] == ["FORBIDDEN"]
    else:
        decides = TEAMS[0] in (await twins.pair[0].principal(twins.who)).teams
        assert codes["NOT_FOUND"] > 0
        assert (codes["accepted"] > 0) is bool(own or decides)


async def test_no_difference_of_changed_files(twins: Twins) -> None:
    """`mlg impact --changed` reads and plans alike, whatever the hidden references are."""
    before = len(twins.differing)
    values = [item.values for estate in twins.estates.estates.values() for _, _, item in estate.registered]
    files = {str(each[name]) for each in values for name in ("codeRef", "location") if each.get(name)}
    async with ApiClient("http://127.0.0.1:8000", "", transport=TwinTransport(twins)) as client:
        found = await read_change_impact(client, sorted(files))
        with contextlib.suppress(InvalidError, RequestRejectedError, TokenRefusedError):
            await planned(client, found, "a1b2")
    assert twins.differing[before:] == []
    assert twins.leaking == []
    assert found.assets
    assert HUSH not in text_of(found, FailOn.ANYTHING, "")
