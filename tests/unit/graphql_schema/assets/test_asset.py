"""Fields of every asset: one free property by key, and the owner team."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

Run = Callable[..., Awaitable[ExecutionResult]]
PROPERTY = "query ($id: ID!, $key: String!) { asset(id: $id) { property(key: $key) } }"
DOMAIN = "query ($id: ID!) { asset(id: $id) { domain { name } } }"
OWNER = "query ($id: ID!) { asset(id: $id) { ownerTeam { id } } }"


@pytest.mark.parametrize(("key", "value"), [("tier", "gold"), ("Tier", None), ("", ""), ("absent", None)])
async def test_a_property_is_read_by_its_exact_key(run: Run, graph: PlainGraph, key: str, value: str | None) -> None:
    """Keys are case sensitive, an empty value is a value, and an unknown key is null."""
    pairs = [{"key": "", "value": ""}, {"key": "tier", "value": "gold"}]
    found = await run(PROPERTY, id=graph.add("MODEL", "m", properties=pairs), key=key)
    assert (found.errors, found.data) == (None, {"asset": {"property": value}})


async def test_an_asset_without_properties_has_none(run: Run, graph: PlainGraph) -> None:
    """An asset that never got properties has no value for any key."""
    assert (await run(PROPERTY, id=graph.add("MODEL", "m"), key="x")).data == {"asset": {"property": None}}


async def test_a_property_of_hidden_properties_is_null(run: Run, graph: PlainGraph) -> None:
    """A single property is as hidden as the list, and the report names the field that was requested."""
    graph.hidden = {"MODEL": {"properties", "property"}}
    urn = graph.add("MODEL", "m", properties=[{"key": "x", "value": "secret"}])
    assert (await run(PROPERTY, id=urn, key="x")).data == {"asset": {"property": None}}
    hidden = graph.report.extensions()["authorization"]["hidden"]
    assert [entry["coordinate"] for entry in hidden] == ["Model.property"]


async def test_the_domain_that_was_given_last_is_shown(run: Run, graph: PlainGraph) -> None:
    """By the instant of the write, if it is not the begin; of equals the first by id; a hidden one is left out."""
    model = graph.add("MODEL", "m")
    for name, times in (("b", {"validFrom": 10}), ("c", {"validFrom": 20}), ("a", {"validFrom": 0, "opened": 20})):
        graph.join("CONTAINS", graph.add("DOMAIN", name), model, **times)
    graph.join("CONTAINS", graph.add("DOMAIN", "d"), model, validFrom=99, opened=5)
    shown = []
    for name in ("a", "c", "b", "d"):
        shown.append((await run(DOMAIN, id=model)).data["asset"]["domain"]["name"])
        del graph.records[f"mlg://domain/test/default/{name}"]
    assert (shown, (await run(DOMAIN, id=model)).data) == (["a", "c", "b", "d"], {"asset": {"domain": None}})


async def test_the_owner_team_is_the_stored_one(run: Run, graph: PlainGraph) -> None:
    """The field follows the id in the record; without an owner, or with an unknown team, it is null."""
    team = graph.add("TEAM", "search")
    owned = graph.add("MODEL", "a", ownerTeam=team)
    unowned = graph.add("MODEL", "b", ownerTeam="")
    orphan = graph.add("MODEL", "c", ownerTeam="mlg://team/test/default/gone")
    assert (await run(OWNER, id=owned)).data == {"asset": {"ownerTeam": {"id": team}}}
    for urn in (unowned, orphan, graph.add("MODEL", "d")):
        assert (await run(OWNER, id=urn)).data == {"asset": {"ownerTeam": None}}
