"""One store request per query level for checks, incidents and usage, for any number of records."""

import pytest
from support.documents.observability import raised, recorded, report
from support.estates.owned_items import owned, team, urn
from support.servers.in_process import Api
from support.stores.level_bindings import level_bindings

from app.graph.reading.level.hop_plan import compile_related
from app.graph.reading.level.level_statement import LEVEL
from app.graph.records.read_time import ReadTime
from app.graph.records.vertex_id import vertex_id
from graphql_schema.usage.asset_usage import MONTHS

SHAPES: dict[str, tuple[int, str]] = {
    "checks and their results": (
        3,
        """{ assets(first: $n) { nodes { checks { totalCount nodes { name latestResult { status }
        results(first: 2) { nodes { value } } } } } } }""",
    ),
    "results since an instant": (
        3,
        """{ assets(first: $n) { nodes { checks { nodes {
        results(first: 5, since: "2026-11-02T00:00:00Z") { totalCount nodes { value } } } } } } }""",
    ),
    "incidents, what they are on and why": (
        3,
        """{ assets(first: $n) { nodes { incidents(state: OPEN) { totalCount nodes { title
        assets { id displayName } cause { id } } } } } }""",
    ),
    "every incident": (2, "{ incidents(state: OPEN, first: $n) { nodes { title assets { id } cause { id } } } }"),
    "incidents of teams": (3, "{ teams(first: $n) { nodes { incidents(state: OPEN) { nodes { title } } } } }"),
    "usage": (
        3,
        """{ assets(first: $n) { nodes { usage(days: 400) { reads byDay { day } consumers { nodes { reads
        consumer { ... on Service { name } ... on Team { name } } } } } } } }""",
    ),
}


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over assets of two teams, each with checks, results, incidents and usage."""
    names = [f"d{number}" for number in range(6)]
    teams = [{"team": {"name": name}} for name in ("ranking", "ads")]
    await api.load(*teams, *(owned("dataset", name, ("ranking", "ads")[number % 2]) for number, name in
                             enumerate(names)))  # fmt: skip
    for name in names:
        asset = urn("dataset", name)
        for day in ("01", "02", "03"):
            failed = {"status": "FAIL", "observedAt": f"2026-11-{day}T00:00:00Z", "openIncidentOnFail": True}
            await report(api, "root", asset, check="a", **failed)
            await report(api, "root", asset, check="b", **failed)
        await raised(api, "root", asset, urn("dataset", "d0"))
        for consumer in (team("ads"), urn("service", "shop")):
            await recorded(
                api, "root", {"asset": asset, "consumer": consumer, "day": "2026-10-30", "reads": 1, "calls": 2}
            )
    return api


@pytest.mark.parametrize("who", ["ada", "bo", "root"])
@pytest.mark.parametrize("shape", SHAPES)
async def test_one_request_per_level(api: Api, shape: str, who: str) -> None:
    """The number of store requests is the number of levels, for one parent as for all."""
    levels, query = SHAPES[shape]
    one, every = [await api.count(who, query.replace("$n", n)) for n in ("1", "100")]
    assert one <= every == levels


@pytest.mark.parametrize("cap", [4, 12, 13])
async def test_a_level_over_its_cap_reads_no_records(api: Api, cap: int) -> None:
    """Twelve months exceed the cap of a level: the response reports it, with the requested vertices and no more."""
    vids = [vertex_id("default", urn("dataset", f"d{number}")) for number in range(6)]
    (months,) = compile_related(MONTHS).hops
    hop = {**ReadTime(10**13).window, **months.wire(vids, t=True, n=50_000, since=1)}
    bindings = level_bindings(points=vids[:2], hops=[hop], cap=cap)
    (found,) = await api.client.submit(LEVEL, bindings)
    within = cap == 13
    assert (found["over"], [len(edges) for edges in found["e"]]) == (not within, [36] if within else [])
    assert len(found["v"]) == (14 if within else 2)
