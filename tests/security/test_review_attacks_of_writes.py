"""Attacks on writes that once worked: unowned assets, assets hidden since, children of others, endless work."""

import json
from typing import Any

import pytest
from support.servers.in_process import Api

ADS = {"owner": "mlg://team/catalog/default/ads"}
PII = "mlg://tag/catalog/default/pii"
RANKING = {"owner": "mlg://team/catalog/default/ranking"}
ERRORS = "errors { code message inputPath }"
TAG = f"mutation ($input: SetTagsInput!) {{ done: setTags(input: $input) {{ {ERRORS} }} }}"
STAGE = f"mutation ($input: SetStageInput!) {{ done: setStage(input: $input) {{ {ERRORS} }} }}"
OWN = f"mutation ($input: SetOwnersInput!) {{ done: setOwners(input: $input) {{ {ERRORS} }} }}"
UNLINK = f"mutation ($input: UnlinkInput!) {{ done: unlink(input: $input) {{ {ERRORS} }} }}"
LINK = f"mutation ($input: LinkInput!) {{ done: link(input: $input) {{ {ERRORS} }} }}"
DELETE = f"mutation ($input: DeleteAssetInput!) {{ done: deleteAsset(input: $input) {{ {ERRORS} }} }}"
RESTORE = f"mutation ($input: RestoreAssetInput!) {{ done: restoreAsset(input: $input) {{ {ERRORS} }} }}"
REVERT = f"mutation ($input: RevertChangeInput!) {{ done: revertChange(input: $input) {{ {ERRORS} }} }}"
HISTORY = "query ($id: ID!) { asset(id: $id) { history(first: 1) { nodes { id } } } }"
DELETED = "query ($id: ID!) { asset(id: $id) { deletedAt } }"


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over two teams and a tag that propagates."""
    await api.load(
        {"team": {"name": "ads"}},
        {"team": {"name": "ranking"}},
        {"tag": {"name": "pii", "tagKind": "PII", "propagates": True}},
    )
    return api


def dataset(name: str) -> str:
    """Return the id of a dataset."""
    return f"mlg://dataset/test/default/{name}"


async def do(api: Api, who: str, mutation: str, **given: Any) -> list[str]:
    """Return the error codes of a mutation."""
    data = await api.ask(who, mutation, input=given)
    return [error["code"] for error in data["done"]["errors"]]


async def newest_change(api: Api, who: str, urn: str) -> str:
    """Return the id of the newest change of an asset visible to a caller."""
    found = await api.ask(who, HISTORY, id=urn)
    return str(found["asset"]["history"]["nodes"][0]["id"])


def last_logged(api: Api) -> dict[str, Any]:
    """Return the newest line of the access log."""
    line: dict[str, Any] = json.loads((api.process.settings.data_dir / "access.jsonl").read_text().splitlines()[-1])
    return line


@pytest.mark.parametrize(
    ("mutation", "given"),
    [(TAG, {"add": [PII]}), (TAG, {"block": [PII]}), (STAGE, {"stage": "RETIRED"}), (OWN, {"owners": [RANKING]})],
    ids=["tag", "block", "retire", "own"],
)
async def test_no_caller_governs_a_stub_without_the_right(api: Api, mutation: str, given: dict[str, Any]) -> None:
    """A stub has no owner, and changing it still requires the right to register."""
    stub, fed = dataset("stub"), dataset("fed-by-stub")
    await api.load({"dataset": {"id": fed, "owners": [ADS], "derivedFrom": [stub]}})
    assert await do(api, "eli", mutation, asset=stub, **given) == ["DENIED"]


async def test_no_caller_reverts_a_change_about_a_hidden_asset(api: Api) -> None:
    """A change recorded before its other end was hidden is answered like an unknown one, and the attempt is logged."""
    mine, theirs = dataset("mine"), dataset("theirs")
    await api.load({"dataset": {"id": mine, "owners": [RANKING]}}, {"dataset": {"id": theirs, "owners": [ADS]}})
    assert await do(api, "root", LINK, **{"relation": "DERIVES", "from": theirs, "to": mine}) == []
    change = await newest_change(api, "ada", mine)
    await api.load({"dataset": {"id": theirs, "visibility": "TEAM"}})
    assert await newest_change(api, "ada", mine) != change
    assert await do(api, "ada", REVERT, change=change) == ["NOT_FOUND"]
    assert last_logged(api)["ids"] == [change]
    unknown = change[:-4] + "0000"
    assert await do(api, "ada", REVERT, change=unknown) == ["NOT_FOUND"]
    requests = [await api.count("ada", REVERT, input={"change": each}) for each in (change, unknown)]
    assert requests[0] == requests[1]
    assert await do(api, "root", REVERT, change=change) == []


async def test_a_conflict_discloses_nothing_of_a_hidden_end(api: Api) -> None:
    """Later changes to an edge from a hidden asset neither show in a revert nor are changed by it."""
    mine, shown, theirs = dataset("mixed"), dataset("mixed-shown"), dataset("mixed-theirs")
    await api.load({"dataset": {"id": mine, "owners": [RANKING]}}, {"dataset": {"id": theirs, "owners": [ADS]}})
    await api.register("ada", {"dataset": {"id": mine, "derivedFrom": [shown, theirs]}})
    change = await newest_change(api, "ada", mine)
    await api.load({"dataset": {"id": theirs, "visibility": "TEAM"}})
    assert await do(api, "root", UNLINK, **{"relation": "DERIVES", "from": theirs, "to": mine}) == []
    assert await do(api, "ada", REVERT, change=change) == []
    found = await api.ask("root", f'{{ asset(id: "{mine}") {{ upstream {{ totalCount }} }} }}')
    assert found["asset"]["upstream"]["totalCount"] == 0


async def test_no_caller_restores_the_children_of_others(api: Api) -> None:
    """Restoring an asset with its children requires the same rights on every child as deleting them."""
    model, version = "mlg://model/test/default/parted", "mlg://model-version/test/default/parted@1"
    await api.load({"model": {"id": model, "owners": [RANKING]}}, {"modelVersion": {"id": version, "owners": [ADS]}})
    assert await do(api, "ada", DELETE, asset=model) == ["DENIED"]
    assert await do(api, "root", DELETE, asset=model) == []
    assert await do(api, "ada", RESTORE, asset=model) == ["DENIED"]
    assert (await api.ask("root", DELETED, id=version))["asset"]["deletedAt"] is not None
    assert await do(api, "root", RESTORE, asset=model) == []


async def test_work_under_the_lock_is_constant(api: Api) -> None:
    """Deleting, restoring and reverting take a constant number of requests for any number of children or edges."""
    requests = [await _requests(api, many) for many in (3, 12)]
    assert requests[0] == requests[1]


async def _requests(api: Api, many: int) -> list[int]:
    """Return the requests to delete and restore a model with some versions, and to revert a change of some edges."""
    model, fed = f"mlg://model/test/default/of-{many}", dataset(f"from-{many}")
    versions = [f"mlg://model-version/test/default/of-{many}@{number}" for number in range(many)]
    sources = [dataset(f"of-{many}-{number}") for number in range(many)]
    await api.load(
        {"model": {"id": model, "owners": [RANKING]}},
        *({"modelVersion": {"id": version}} for version in versions),
        {"dataset": {"id": fed, "owners": [RANKING], "derivedFrom": sources}},
    )
    await api.load({"dataset": {"id": fed, "derivedFrom": []}})
    calls = (
        (DELETE, {"asset": model}),
        (RESTORE, {"asset": model}),
        (REVERT, {"change": await newest_change(api, "ada", fed)}),
    )
    return [await api.count("ada", mutation, input=given) for mutation, given in calls]


async def test_no_caller_switches_a_tag_on_assets_of_others(api: Api) -> None:
    """Only an administrator changes a tag, and decides whether it propagates: that changes the assets of all teams."""
    off: dict[str, Any] = {"tag": {"name": "pii", "tagKind": "PII", "propagates": False}}
    for who, outcome in (("ada", "DENIED"), ("ci-ranking", "DENIED"), ("root", "UPDATED")):
        payload = await api.register(who, off, dryRun=True)
        assert payload["results"][0]["outcome"] == outcome
    described = {"tag": {"name": "pii", "tagKind": "PII", "propagates": True, "description": "of people"}}
    assert (await api.register("ada", described, dryRun=True))["results"][0]["outcome"] == "DENIED"


async def test_the_log_names_both_ends_of_a_denied_unlink(api: Api) -> None:
    """A denied unlink is logged with both ends; once it was logged with the relation alone."""
    theirs, source = dataset("parted"), dataset("parted-source")
    await api.load({"dataset": {"id": theirs, "owners": [ADS], "derivedFrom": [source]}})
    assert await do(api, "ada", UNLINK, **{"relation": "DERIVES", "from": source, "to": theirs}) == ["DENIED"]
    line = last_logged(api)
    assert (line["event"], line["action"], line["ids"]) == ("refused", "link", [f"{source}, {theirs}"])


async def test_lowering_the_risk_of_a_model_requires_approve(api: Api) -> None:
    """Lowering the risk of a model requires the right to approve, because it opens gates: by update, null or revert."""
    model = "mlg://model/test/default/risky"
    owned = {"owners": [RANKING]}
    await api.load({"model": {"id": model, "riskTier": "LOW", **owned}})
    await api.load({"model": {"id": model, "riskTier": "HIGH"}})
    found = await api.ask("ada", "query ($id: ID!) { asset(id: $id) { history(first: 1) { nodes { id } } } }", id=model)
    rise = found["asset"]["history"]["nodes"][0]["id"]
    for tier in ("LOW", None):
        (result,) = (await api.register("ada", {"model": {"id": model, "riskTier": tier}}))["results"]
        assert [error["code"] for error in result["errors"]] == ["DENIED"]
    revert = "mutation ($input: RevertChangeInput!) { revertChange(input: $input) { errors { code } } }"
    done = await api.ask("ada", revert, input={"change": rise})
    assert [error["code"] for error in done["revertChange"]["errors"]] == ["DENIED"]
    assert (await api.register("ada", {"model": {"id": model, "riskTier": "HIGH", "task": "x"}}))["updated"] == 1
