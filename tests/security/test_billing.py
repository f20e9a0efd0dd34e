"""Who may bill whom: the owners of an asset for its use, a billing role for all that it reads, up to a bound."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.documents.observability import codes, recorded
from support.estates.owned_items import owned, team, urn
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona

OURS, THEIRS, UNOWNED = (urn("dataset", name) for name in ("ours", "theirs", "unowned"))
SPENT = "query ($id: ID!) { team(id: $id) { consumption(days: 29) { costUsd } } }"
DAY = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over assets of ranking, of ads and of no owner, with a billing service."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as api:
        biller = replace(persona("ci-ranking"), name="biller", groups=(), roles=("billing",))
        api.tokens["biller"] = DevIssuer(api.process.settings).mint(biller)
        await api.load(
            {"team": {"name": "ads"}},
            {"team": {"name": "ranking"}},
            owned("dataset", "ours"),
            owned("dataset", "theirs", "ads"),
            {"dataset": {"id": UNOWNED}},
        )
        yield api


def used(asset: str, consumer: str = "ads", **counts: float) -> dict[str, Any]:
    """Return a usage record of a team."""
    return {"asset": asset, "consumer": team(consumer), "day": DAY, **counts}


@pytest.mark.parametrize(
    ("who", "denied"),
    [("ada", {"theirs", "unowned"}), ("biller", set()), ("root", set()), ("eli", {"ours", "theirs", "unowned"})],
)
async def test_only_owners_and_a_billing_role_bill(api: Api, who: str, denied: set[str]) -> None:
    """A cost is recorded by the owners of the asset, by the billing role and by administrators, and by no other."""
    for name, asset in (("ours", OURS), ("theirs", THEIRS), ("unowned", UNOWNED)):
        payload = await recorded(api, who, used(asset, reads=1, costUsd=2))
        assert codes(payload) == ([("DENIED", ["records", "0", "costUsd"])] if name in denied else []), name


async def test_use_without_a_cost_needs_no_right_to_bill(api: Api) -> None:
    """An engineer counts the use of an unowned asset, and neither sets nor clears the cost that a biller recorded."""
    await recorded(api, "biller", used(UNOWNED, "ranking", costUsd=7))
    assert codes(await recorded(api, "ada", used(UNOWNED, "ranking", reads=3))) == []
    usage = """query ($id: ID!) { asset(id: $id) { usage(days: 29) { consumers {
      nodes { reads costUsd consumer { ... on Node { id } } } } } } }"""
    nodes = (await api.ask("root", usage, id=UNOWNED))["asset"]["usage"]["consumers"]["nodes"]
    assert {"reads": 3, "costUsd": 7, "consumer": {"id": team("ranking")}} in nodes


async def test_a_cost_is_plausible_and_reversed(api: Api) -> None:
    """A cost above the bound of one record is refused with the bound; recording zero takes a cost back."""
    absurd = await recorded(api, "ada", used(OURS, costUsd=1e15))
    assert codes(absurd) == [("INVALID", ["records", "0", "costUsd"])]
    assert "1e+06" in absurd["errors"][0]["message"]
    day = (datetime.now(UTC).date() - timedelta(days=2)).isoformat()
    spent = []
    for cost in (0, 1e6, 0):
        assert codes(await recorded(api, "ada", {**used(OURS, costUsd=cost), "day": day})) == []
        spent.append((await api.ask("root", SPENT, id=team("ads")))["team"]["consumption"]["costUsd"])
    assert spent == [spent[0], spent[0] + 1e6, spent[0]]
