"""Random levels of reads and random writes over a few vertices, for the proof of the graph cache."""

from collections.abc import Sequence

from hypothesis import strategies as st

from app.graph.reading.level.hop_plan import SOURCES_GIVEN, HopSpec
from app.graph.reading.level.index_filter import filter_of
from app.graph.reading.level.index_query import IndexQuery
from app.graph.reading.level.level_batcher import LevelRequest
from app.graph.records.edge_record import UNCONFIRMED
from app.graph.records.inferred_edge import LABEL, inferred
from app.graph.records.merged_record import merged
from app.graph.records.read_time import NO_UPPER_BOUND
from app.graph.records.vertex_record import stub
from graphql_schema.catalog.relations import DERIVES, FEEDS, VERSION_OF
from graphql_schema.ports.conditions import Condition, In, SortOrder
from graphql_schema.ports.record import JsonObject, Record

URNS = [
    *(f"mlg://dataset/test/default/d{number}" for number in range(3)),
    *(f"mlg://model-version/test/default/m@{number}" for number in range(2)),
    "mlg://model/test/default/m",
]
LAST_DATASET = 2
RELATIONS = (FEEDS.name, DERIVES.name, VERSION_OF.name)
LABELS = (
    (FEEDS.name,),
    (FEEDS.name, LABEL[FEEDS.name]),
    (DERIVES.name,),
    (VERSION_OF.name,),
    (DERIVES.name, FEEDS.name),
)
PLACES = st.integers(0, len(URNS) - 1)
EDGES = st.fixed_dictionaries(
    {
        "relation": st.sampled_from(RELATIONS),
        "source": PLACES,
        "target": PLACES,
        "begin": st.sampled_from([-20, -1, 0, 0, 1, 3, 10]),
        "length": st.sampled_from([None, None, 0, 1, 2, 5, 30]),
        "unconfirmed": st.sampled_from([False, False, False, True]),
        "inferred": st.booleans(),
        "at": st.integers(1, 3),
    }
)
HOPS = st.fixed_dictionaries(
    {
        "direction": st.sampled_from(["out", "in"]),
        "labels": st.sampled_from(LABELS),
        "kinds": st.sampled_from([(), (), ("DATASET",), ("MODEL_VERSION", "MODEL")]),
        "parent": st.sampled_from(["given", "given", "hop", "listing"]),
        "sources": st.lists(PLACES, min_size=1, max_size=5, unique=True),
        "n": st.sampled_from([0, 0, 1, 2, 50]),
        "after": st.none() | PLACES,
        "by_time": st.sampled_from([None, None, (NO_UPPER_BOUND, 0), (NO_UPPER_BOUND, 0), (3, 0), (NO_UPPER_BOUND, 2)]),
    }
)
LISTINGS = st.fixed_dictionaries(
    {
        "kinds": st.lists(st.sampled_from(["DATASET", "MODEL_VERSION", "MODEL"]), min_size=1, unique=True),
        "size": st.integers(0, 4),
        "order": st.sampled_from([SortOrder("urn"), SortOrder("urn", descending=True), SortOrder("lastUsedAt")]),
        "total": st.booleans(),
    }
)
REQUESTS = st.fixed_dictionaries(
    {
        "points": st.lists(PLACES, max_size=4, unique=True),
        "hops": st.lists(HOPS, max_size=4),
        "listings": st.lists(LISTINGS, max_size=2),
        "fresh": st.sampled_from([False, False, False, False, True]),
    }
)
LEVELS = st.lists(REQUESTS, min_size=1, max_size=3)
VERTICES = st.lists(PLACES, max_size=2, unique=True)
MARKS = st.lists(PLACES, max_size=1)


def request_of(drawn: JsonObject, vids: Sequence[int]) -> LevelRequest:
    """Return a request of a loader from drawn values."""
    listings = [_listing(each) for each in drawn["listings"]]
    hops: list[JsonObject] = []
    for each in drawn["hops"]:
        parent = SOURCES_GIVEN
        if each["parent"] == "hop" and hops:
            parent = each["sources"][0] % len(hops)
        if each["parent"] == "listing" and listings:
            parent = -2 - each["sources"][0] % len(listings)
        hops.append(_hop(each, vids, parent))
    points = [vids[place] for place in drawn["points"]]
    return LevelRequest(points, hops, listings, fresh=drawn["fresh"])


def _hop(drawn: JsonObject, vids: Sequence[int], parent: int) -> JsonObject:
    window: JsonObject = {"n": drawn["n"]}
    direction, labels = drawn["direction"], drawn["labels"]
    if drawn["by_time"] and drawn["n"] and direction == "in" and labels == (VERSION_OF.name,):
        window |= {"t": True, "at": drawn["by_time"][0], "since": drawn["by_time"][1]}
    elif drawn["after"] is not None:
        window["a"] = vids[drawn["after"]]
    sources = [vids[place] for place in drawn["sources"]]
    return HopSpec(direction, labels, drawn["kinds"], parent).wire(sources, **window)


def record_of_place(tenant: str, place: int, vids: Sequence[int], number: int) -> Record:
    """Return the record of a vertex with a number of its own, so that no other is equal.

    At each third number, the first datasets are merged into the next one, so pointers form chains and no circles.
    """
    record = {**stub(tenant, URNS[place], "test", 0), "description": f"{number}"}
    if place < LAST_DATASET and number % 3 == 0:
        return merged(record, vids[place + 1], URNS[place + 1], 0)
    return record


def edge_of(drawn: JsonObject, vids: Sequence[int], now: int, number: int) -> Record:
    """Return the record of an edge with a number of its own, so that no other is equal."""
    begin = now + drawn["begin"]
    end = {} if drawn["length"] is None else {"validTo": begin + drawn["length"]}
    if drawn["inferred"] and drawn["relation"] == FEEDS.name:
        held = [[begin, end.get("validTo", 10**12), begin, begin]]
        passed = [vids[drawn["at"]], vids[0]]
        chain = {"rule": "test", "through": passed, "confidence": 1.0, "held": held}
        return {**inferred(FEEDS.name, [chain]), "number": number}
    mark = {UNCONFIRMED: True} if drawn["unconfirmed"] else {}
    at = {"at": drawn["at"]} if drawn["relation"] == VERSION_OF.name else {}
    return {"relation": drawn["relation"], "validFrom": begin, **end, **mark, **at, "number": number}


def _listing(drawn: JsonObject) -> JsonObject:
    where: list[Condition] = [In("kind", tuple(drawn["kinds"]))]
    total = filter_of(*where) if drawn["total"] else None
    return IndexQuery(filter_of(*where), drawn["size"], drawn["order"], total).wire()


def kind_code(vid: int, vids: Sequence[int]) -> str:
    """Return the code of the kind of a vertex."""
    slug = URNS[vids.index(vid)].split("/")[2]
    return slug.replace("-", "_").upper()
