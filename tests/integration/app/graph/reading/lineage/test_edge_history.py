"""Edges between given assets after random links, compared with a plain list of them, also at a vertex of many edges."""

from random import Random
from typing import Any

import pytest
from support.estates.owned_items import owned, urn
from support.servers.in_process import Api
from support.stores.received_rows import received_rows

EXPLAIN = """query ($from: ID!, $to: ID!, $relation: Relation) {
  explainAbsence(from: $from, to: $to, relation: $relation) {
    reason edge { relation validFrom validTo } change { id } } }"""
PAST, ENDED, FUTURE = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
DATA, REPORT = [urn("dataset", f"part{number}") for number in range(3)], urn("report", "figures")
PAIRS = [(a, b) for a in DATA for b in (*DATA, REPORT)]


async def explained(api: Api, who: str, source: str, target: str, relation: str | None = None) -> dict[str, Any]:
    """Return the explanation of an edge."""
    found: dict[str, Any] = (await api.ask(who, EXPLAIN, **{"from": source, "to": target, "relation": relation}))[
        "explainAbsence"
    ]
    return found


async def test_the_edges_are_those_that_were_linked(api: Api) -> None:
    """Each pair has the reason of its last interval; an ended edge has the change that ended it."""
    kept = {"ENDS": {}, "PRESENT": {}, "LATER": {"validFrom": FUTURE}, "PAST": {"validFrom": PAST, "validTo": ENDED}}
    random = Random(3)
    known = {pair: random.choice([None, *kept, *kept]) for pair in PAIRS}
    assert {*known.values()} == {None, *kept}
    await api.load(*(owned("dataset", each.rpartition("/")[2]) for each in DATA), owned("report", "figures"))
    links = {pair: {"relation": relation_of(pair), "from": pair[0], "to": pair[1]} for pair in PAIRS}
    await api.load(*({"link": {**links[pair], **kept[state]}} for pair, state in known.items() if state))
    for pair in (pair for pair, state in known.items() if state == "ENDS"):
        await api.ask("ada", "mutation ($input: UnlinkInput!) { unlink(input: $input) { changed } }", input=links[pair])
    reasons = {None: "NEVER_OBSERVED", "ENDS": "ENDED", "PAST": "ENDED", "LATER": "BEGINS_LATER", "PRESENT": "PRESENT"}
    for pair, state in known.items():
        found = await explained(api, "ada", *pair)
        assert found["reason"] == reasons[state], pair
        assert (found["change"] is not None) is (found["reason"] == "ENDED")
        assert state != "PAST" or found["edge"] == {"relation": relation_of(pair), "validFrom": PAST, "validTo": ENDED}
        assert (await explained(api, "ada", *pair, "BASE_OF"))["reason"] == "NEVER_OBSERVED"


def relation_of(pair: tuple[str, str]) -> str:
    """Return the relation between two assets of the estate."""
    return "FEEDS" if pair[1] == REPORT else "DERIVES"


@pytest.mark.parametrize("warm", [False, True])
async def test_the_work_does_not_grow_with_the_edges_of_an_end(api: Api, warm: bool) -> None:  # noqa: FBT001 - a case
    """Two hubs are joined by one edge among hundreds; the store returns the same rows as without these."""
    names = [f"{warm}-{part}" for part in ("small-source", "small-target", "hub-source", "hub-target")]
    ends = [urn("dataset", name) for name in names]
    others = [f"{warm}-leaf{number}" for number in range(300)]
    await api.load(*(owned("dataset", name) for name in (*names, *others)))
    leaves = [{"relation": "DERIVES", "from": ends[2], "to": urn("dataset", name)} for name in others]
    pairs = [{"relation": "DERIVES", "from": ends[place], "to": ends[place + 1]} for place in (0, 2)]
    await api.load(*({"link": each} for each in (*leaves, *pairs)))
    await api.wait_for_jobs()
    sizes = []
    for source, target in (ends[:2], ends[2:]):
        if warm:
            await api.ask("ada", "query ($id: ID!) { asset(id: $id) { downstream { totalCount } } }", id=source)
        with received_rows(api.client) as rows:
            assert (await explained(api, "ada", source, target))["reason"] == "PRESENT"
        sizes.append(sum(rows.values))
    assert sizes[0] == sizes[1]
    downstream = await api.ask("ada", "query ($id: ID!) { asset(id: $id) { downstream { totalCount } } }", id=ends[2])
    assert downstream["asset"]["downstream"]["totalCount"] == len(others) + 1
