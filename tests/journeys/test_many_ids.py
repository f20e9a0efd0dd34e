"""Five hundred ids in one field, as filter and as objects."""

import pytest
from support.estates.owned_items import owned, urn
from support.servers.in_process import Api

FILTERED = """query ($ids: [ID!]!, $days: Int) { assets(first: 500, filter: {ids: $ids, unusedForDays: $days}) {
  totalCount nodes { id } } }"""
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"


@pytest.mark.parametrize("who", ["ada", "bo"])
async def test_five_hundred_ids_are_accepted(api: Api, who: str) -> None:
    """A filter and `nodes` return the visible assets among 500 ids, also together with another filter by ids."""
    names = [f"d{number:03}" for number in range(0, 500, 2)]
    hidden = {"visibility": "TEAM"}
    await api.load(
        *(owned("dataset", name, sourceCreatedAt="2020-01-01T00:00:00Z") for name in names),
        *(owned("dataset", f"h{number}", **hidden) for number in range(3)),
    )
    requested = [urn("dataset", f"d{number:03}") for number in range(497)]
    requested += [urn("dataset", f"h{number}") for number in range(3)]
    known = {urn("dataset", name) for name in names}
    known |= {urn("dataset", f"h{number}") for number in range(3)} if who == "ada" else set()
    wanted = [each for each in requested if each in known]
    found = (await api.ask(who, FILTERED, ids=requested))["assets"]
    assert (found["totalCount"], [node["id"] for node in found["nodes"]]) == (len(wanted), wanted)
    objects = (await api.ask(who, NODES, ids=requested))["nodes"]
    assert [node and node["id"] for node in objects] == [each if each in known else None for each in requested]
    unused = (await api.ask(who, FILTERED, ids=requested, days=30))["assets"]["totalCount"]
    assert unused == sum("/default/d" in each for each in wanted)


async def test_the_cost_bounds_the_ids(api: Api) -> None:
    """An operation over 500 objects with large lists is refused by its cost before it runs."""
    query = NODES.replace("{ id }", "{ ... on Asset { history(first: 500) { nodes { id } } } }")
    body = await api.send("ada", query, ids=[urn("dataset", "d000")] * 500)
    assert body["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
