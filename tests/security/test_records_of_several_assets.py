"""Attacks on a record of several assets by who may change one of them: an incident, and the plan of a change."""

import pytest
from support.documents.change_plans import closed, planned
from support.documents.observability import codes, raised, resolved
from support.estates.leak_catalogue import token
from support.estates.promotions import ADS, RANKING
from support.servers.in_process import Api

MINE, UNOWNED, THEIRS = (f"mlg://dataset/test/default/{name}" for name in ("mine", "unowned", "theirs"))
STATE = "query ($id: ID!) { asset(id: $id) { incidents(state: OPEN) { nodes { id } } } }"
DELETE = "mutation ($id: ID!) { deleteAsset(input: {asset: $id}) { errors { code message inputPath } } }"


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API with a dataset of ranking, one of ads, one without an owner, and eva, an engineer of ads."""
    api.tokens["eva"] = token(api, "eva", "ads", roles="engineer")
    datasets = {"id": MINE, "owners": [RANKING]}, {"id": THEIRS, "owners": [ADS]}, {"id": UNOWNED}
    await api.load(*({"dataset": each} for each in datasets))
    return api


async def test_an_incident_is_resolved_by_who_may_change_each_asset(api: Api) -> None:
    """An incident of ranking that is also on an unowned asset stays open until someone of ranking resolves it."""
    incident = (await raised(api, "ada", UNOWNED, MINE))["incident"]["id"]
    assert codes(await resolved(api, "eva", incident)) == [("DENIED", ["incident"])]
    assert {"id": incident} in (await api.ask("bo", STATE, id=MINE))["asset"]["incidents"]["nodes"]
    assert codes(await resolved(api, "ada", incident)) == []


async def test_a_plan_is_closed_by_who_may_change_each_root(api: Api) -> None:
    """A plan of ranking that also names an unowned asset is not closed by an engineer of another team."""
    plan = await planned(api, "ada", UNOWNED, MINE)
    assert codes(await closed(api, "eva", plan, "WITHDRAWN")) == [("DENIED", ["plan"])]
    assert codes(await closed(api, "ada", plan)) == []


async def test_a_deleted_asset_keeps_no_record_open(api: Api) -> None:
    """Who may change the assets that are left resolves and closes; without any left, the right on each is needed."""
    gone = "mlg://dataset/test/default/gone"
    await api.load({"dataset": {"id": gone, "owners": [ADS]}})
    incident = (await raised(api, "root", gone, MINE))["incident"]["id"]
    plan, alone = await planned(api, "root", gone, MINE), await planned(api, "root", gone)
    assert codes((await api.ask("eva", DELETE, id=gone))["deleteAsset"]) == []
    assert codes(await closed(api, "ada", alone)) == [("DENIED", ["plan"])]
    assert codes(await resolved(api, "ada", incident)) == []
    assert codes(await closed(api, "ada", plan)) == []
    assert codes(await closed(api, "eva", alone)) == []
