"""A query has the same response whether graphql-core executes it or it is executed over vectors.

Every query of the repository and random operations, as every persona: status, headers, bytes and access log are equal.
The graph cache is off, and then has what earlier queries read.
``make test-equal OPERATIONS=20000`` sends more.
"""

import os
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from random import Random
from typing import Any

import orjson
import pytest
from support.documents.fuzzed_operations import INSTANTS, PLAIN, Fuzzer
from support.documents.random_operations import Generator
from support.documents.written_queries import variables_of, with_ids_of, written_queries
from support.estates.demo_estate import existing_ids, open_demo
from support.servers.both_paths import BothPaths, Reply
from support.servers.in_process import Api, tokens_of_personas
from support.stores.janusgraph import StoreGraph

from app.auth.personas import personas
from graphql_schema.catalog.kinds import KIND_OF_SLUG
from graphql_schema.catalog.urn import slug_of

pytestmark = pytest.mark.long

OPERATIONS = int(os.environ.get("OPERATIONS", "500"))
"""Number of generated operations, which the personas share."""

EVERYWHERE = "OPERATIONS" in os.environ
"""Whether each written query is sent as every persona, instead of one."""

SEED = int(os.environ.get("SEED", "1"))
CALLERS = (*personas(), "root breaking glass")
PREFER: tuple[dict[str, str], ...] = ({"Prefer": "policy=strict"}, {"Prefer": "cost"}, {}, {}, {})
CURSOR = re.compile(r'"(?:cursor|startCursor|endCursor)":"([^"]+)"')
Pools = dict[str, tuple[Any, ...]]


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Run the API over the demo estate, with its history."""
    async with open_demo(module_graph, tmp_path_factory.mktemp("keys")) as api:
        await api.wait_for_jobs()
        yield api


@pytest.fixture
def both(api: Api) -> Iterator[BothPaths]:
    """Return what sends requests on both paths; afterwards no reply may differ, and no query be read twice in vain."""
    both = BothPaths(api, warm=True)
    with both.observed():
        yield both
    again = both.again.total()
    sys.stdout.write(f"{both.requested} requests, {both.planned} over vectors, {again} of them again\n")
    sys.stdout.write(f"{both.again.most_common(12)}\n")
    if both.differing or both.needless:
        pytest.fail(
            "\n\n".join((f"{len(both.differing)} differ", *both.differing[:5], *map(str, both.needless.items())))
        )
    assert both.planned - again > 0.5 * both.requested


@pytest.fixture(scope="module")
async def pools(api: Api) -> Pools:
    """Return values by argument and type: the ids of the whole estate, hidden or not, and some that do not exist."""
    ids = tuple(await existing_ids(api))
    kinds: Pools = {kind.name: tuple(urn for urn in ids if slug_of(urn) == slug) for slug, kind in KIND_OF_SLUG.items()}
    every = (*ids, *(f"{urn}-not" for urn in ids[::20]), "mlg://thing/a/b/c")
    names = tuple(sorted({urn.rsplit("/", 1)[1].partition("@")[0] for urn in ids if len(urn) < 80}))
    return {
        **{name: each for name, each in kinds.items() if each},
        **dict.fromkeys(("ID", "id", "ids", "roots", "from", "to", "subjects"), every),
        "ownerTeams": kinds["Team"],
        "owners": (*kinds["Team"], *kinds["User"]),
        "tags": kinds["Tag"],
        "domains": kinds["Domain"],
        "actors": ("root", "ada", "ci-ranking"),
        **dict.fromkeys(("text", "name", "eq", "contains", "prefix", "String"), (*names, "default", "a", "catalog")),
        "key": ("x", "framework"),
        "version": ("1", "2", "v1"),
        "alias": ("champion", "challenger"),
        **dict.fromkeys(("maxDepth", "maxLength", "maxPaths", "maxElements", "openLevels"), (1, 2, 3, 5)),
        "group": ("KIND=DATASET", "LEVEL=1"),
        "first": (*(0, 1, 2, 3, 5) * 4, 20, 50, 501),
        "days": (1, 30, 400),
        "unusedForDays": (1, 30, 400),
        "minConfidence": PLAIN["Float"],
        **{name: PLAIN[name] for name in ("Int", "Float", "Boolean", "Date")},
        "DateTime": (*PLAIN["DateTime"], *(each for each in INSTANTS[:3] if isinstance(each, str))),
    }


async def test_queries_of_the_repository(api: Api, both: BothPaths, pools: Pools) -> None:
    """Every query of a page, an example, the product or a test has the same response on both paths."""
    random, schema = Random(SEED), api.process.schema.core
    queries = written_queries(schema)
    assert len(queries) > 300
    for number, query in enumerate(queries):
        for who in CALLERS if EVERYWHERE else (CALLERS[number % len(CALLERS)],):
            text = with_ids_of(query, random, pools["ids"])
            await both.ask(who, text, variables_of(schema, text, random, pools), **random.choice(PREFER))


@pytest.mark.parametrize("who", CALLERS)
async def test_generated_queries(api: Api, both: BothPaths, pools: Pools, who: str) -> None:
    """Random queries that make sense have the same response on both paths; most have no error."""
    random = Random(f"{SEED}{who}")
    generator = Generator(api.process.schema.core, random, pools)
    kinds: Counter[bool] = Counter()
    while both.requested < OPERATIONS / len(CALLERS):
        operation = _maker(generator)()
        reply = await both.ask(who, operation.text, operation.variables, **random.choice(PREFER))
        generator.answered.update(name for name, _ in operation.reached(reply.body.get("data")))
        generator.cursors = _cursors(generator.cursors, reply)
        kinds["errors" in reply.body] += 1
        if both.requested % 1_000 == 0:
            api.tokens |= tokens_of_personas(api.process.settings)  # that for break-glass is valid for an hour
            sys.stdout.write(f"{who}: {both.requested} requests, {len(both.differing)} differ\n")
            sys.stdout.flush()
    assert kinds[False] > kinds[True]


def _maker(generator: Generator) -> Callable[[], Any]:
    makers = (generator.query, generator.focused, generator.focused, generator.paged, generator.past)
    return generator.random.choice((*makers, generator.walked, generator.neighboured))


async def test_odd_queries(api: Api, both: BothPaths, pools: Pools) -> None:
    """Random queries with odd values, many of them invalid, have the same response on both paths."""
    random = Random(SEED)
    fuzzer = Fuzzer(api.process.schema.core, random, [*pools["ids"]])
    while both.requested < OPERATIONS / 2:
        operation = fuzzer.operation()
        if operation.text.startswith("query") and _is_unicode([operation.text, operation.variables]):
            who, headers = random.choice(CALLERS), random.choice(PREFER)
            reply = await both.ask(who, operation.text, operation.variables, **headers)
            fuzzer.cursors = _cursors(fuzzer.cursors, reply)


def _cursors(known: list[str], reply: Reply) -> list[str]:
    """Return the latest cursors, with some of a reply."""
    return [*known[-100:], *CURSOR.findall(reply.content.decode())[:3]]


def _is_unicode(sent: object) -> bool:
    """Return whether all texts of a JSON value can be sent."""
    try:
        orjson.dumps(sent)
    except TypeError:
        return False
    return True
