"""Placeholders and unknown references are reported, and a hidden id has the response of an absent one."""

import json
from typing import Any

import pytest
from support.documents.id_arguments import references
from support.estates import leak_catalogue as leaks
from support.estates.one_of_each_kind import ALSO, MINE, load_each_kind
from support.estates.visible_and_hidden import id_of
from support.servers.in_process import Api

HIDDEN, OPEN = leaks.HIDDEN, leaks.OPEN
ABSENT = "mlg://dataset/test/default/nothing-set"
OWNED = {"owners": [{"owner": leaks.ADS}]}
ERRORS = "errors { code message inputPath suggestions }"
REGISTER = f"""mutation ($input: RegisterAssetsInput!) {{ done: registerAssets(input: $input) {{
  results {{ outcome placeholders {ERRORS} }} placeholders created failed }} }}"""
ONE = f"mutation ($input: DatasetInput!) {{ done: registerDataset(input: $input) {{ outcome placeholders {ERRORS} }} }}"
LINK = f"mutation ($input: LinkInput!) {{ done: link(input: $input) {{ changed placeholders {ERRORS} }} }}"
OWN = f"mutation ($input: SetTagsInput!) {{ done: setTags(input: $input) {{ changed placeholders {ERRORS} }} }}"
USAGE = (
    f"mutation ($input: RecordUsageInput!) {{ done: recordUsage(input: $input) {{ recorded placeholders {ERRORS} }} }}"
)


@pytest.fixture(scope="module")
async def api(leaky: Api) -> Api:
    """Let zoe, an engineer of ads, own one asset of each kind, and hide another of each kind from her."""
    await load_each_kind(leaky)
    return leaky


def dataset(name: str, *sources: str, **more: Any) -> dict[str, Any]:
    """Return a dataset of zoe's team, derived from others."""
    return {"id": f"mlg://dataset/test/default/{name}", **OWNED, "derivedFrom": [*sources], **more}


async def done(api: Api, document: str, given: dict[str, Any]) -> Any:
    """Return the payload of a mutation by zoe."""
    return (await api.ask("zoe", document, input=given))["done"]


async def test_placeholders_are_reported_once_for_hidden_and_absent_ids(api: Api) -> None:
    """A bulk call lists each id that was not visible in the first item that names it, and none that it registers."""
    late, version = "mlg://dataset/test/default/late", "mlg://model-version/test/default/ghostly@3"
    run = {"id": "mlg://run/test/default/of-ghosts", "state": "COMPLETE", **OWNED, "inputs": [version]}
    given = [
        {"dataset": dataset("first", HIDDEN, ABSENT, OPEN, late)},
        {"dataset": dataset("second", HIDDEN, ABSENT)},
        {"dataset": {"id": late, **OWNED}},
        {"run": run},
    ]
    model = "mlg://model/test/default/ghostly"
    for dry_run in (True, False):
        found = await done(api, REGISTER, {"items": given, "dryRun": dry_run})
        assert [each["placeholders"] for each in found["results"]] == [
            [HIDDEN, ABSENT, late],
            [],
            [],
            [version, model],
        ]
        assert found["placeholders"] == [HIDDEN, ABSENT, version, model]
        assert (found["created"], found["failed"]) == (4, 0)


async def test_each_payload_reports_placeholders(api: Api) -> None:
    """A registration, a link, tags and usage list the ids that they refer to and that were not visible."""
    tag, service = "mlg://tag/catalog/default/mistyped", "mlg://service/test/default/mistyped"
    mine, new = "mlg://dataset/test/default/of-payloads", "mlg://dataset/test/default/one-more"
    assert (await done(api, ONE, dataset("of-payloads", new)))["placeholders"] == [new]
    link = {"relation": "DERIVES", "from": f"{new}-2", "to": mine}
    assert (await done(api, LINK, link))["placeholders"] == [f"{new}-2"]
    assert (await done(api, OWN, {"asset": mine, "add": [tag]}))["placeholders"] == [tag]
    record = {"asset": mine, "consumer": service, "day": "2026-11-02", "reads": 1}
    assert (await done(api, USAGE, {"records": [record]}))["placeholders"] == [service]
    assert (await done(api, USAGE, {"records": [{**record, "reads": 2}]}))["placeholders"] == []


async def test_a_repeated_call_returns_the_placeholders_of_the_first(api: Api) -> None:
    """An idempotency key returns the first result again, with its placeholders."""
    absent = "mlg://dataset/test/default/of-a-key"
    given = dataset("keyed", absent, idempotencyKey="night-1")
    assert [(await done(api, ONE, given))["placeholders"] for _ in range(2)] == [[absent], [absent]]


@pytest.mark.parametrize("document", [ONE, LINK, REGISTER], ids=["register", "link", "bulk"])
async def test_only_existing_ids_may_be_required(api: Api, document: str) -> None:
    """With EXISTING an absent id, a stub and a hidden one are UNKNOWN_REFERENCE; a visible one is accepted."""
    name = {ONE: "one", LINK: "linked", REGISTER: "many"}[document]
    item = dataset(f"strict-{name}")
    stub = "mlg://dataset/test/default/only-a-stub"
    assert (await done(api, ONE, dataset(f"names-a-stub-{name}", stub)))["outcome"] == "CREATED"
    assert (await done(api, ONE, item))["outcome"] == "CREATED"
    responses = []
    for far in (ABSENT, HIDDEN, stub, OPEN):
        given: dict[str, Any] = {**item, "derivedFrom": [far], "references": "EXISTING"}
        if document is LINK:
            given = {"relation": "DERIVES", "from": far, "to": item["id"], "references": "EXISTING"}
        if document is REGISTER:
            given = {"items": [{"dataset": {**item, "derivedFrom": [far]}}], "references": "EXISTING"}
        found = await done(api, document, given)
        result = found["results"][0] if document is REGISTER else found
        assert result["placeholders"] == []
        responses.append(json.dumps(result["errors"]).replace(far, "<id>"))
    absent, hidden, unregistered, known = responses
    assert absent == hidden == unregistered
    assert known == "[]"
    (error,) = json.loads(absent)
    path = {ONE: ["derivedFrom", "0"], LINK: ["from"], REGISTER: ["dataset", "derivedFrom", "0"]}[document]
    assert (error["code"], error["inputPath"][-len(path) :]) == ("UNKNOWN_REFERENCE", path)
    assert error["message"] == (
        "<id> is not registered or not visible to you, and `references` is EXISTING; check the id."
    )


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("batch_size", [1, 100])
async def test_a_rejected_item_is_no_reference_of_others(
    api: Api, monkeypatch: pytest.MonkeyPatch, batch_size: int, *, dry_run: bool
) -> None:
    """What a call fails to register is unknown to its other items, in any order and in any number of transactions."""
    monkeypatch.setattr("app.graph.writing.writer.MAX_BATCH_ITEMS", batch_size)
    name = f"{batch_size}-{dry_run}"
    lost = dataset(f"lost-{name}", expectedRevision=7)
    given = [
        {"dataset": dataset(f"above-{name}", OPEN, f"mlg://dataset/test/default/below-{name}")},
        {"dataset": dataset(f"below-{name}", OPEN, lost["id"])},
        {"dataset": lost},
        {"dataset": dataset(f"kept-{name}", OPEN, f"mlg://dataset/test/default/last-{name}")},
        {"dataset": dataset(f"last-{name}")},
    ]
    found = await done(api, REGISTER, {"items": given, "references": "EXISTING", "dryRun": dry_run})
    assert [each["outcome"] for each in found["results"]] == ["INVALID", "INVALID", "CONFLICT", "CREATED", "CREATED"]
    errors = [each["errors"][0]["inputPath"][-2:] for each in found["results"][:2]]
    assert errors == [["derivedFrom", "1"]] * 2
    assert await api.ask("root", "query ($id: ID!) { node(id: $id) { id } }", id=lost["id"]) == {"node": None}


async def test_every_reference_to_what_is_hidden_is_unknown_like_an_absent_one(api: Api) -> None:
    """Each field that names another asset returns with EXISTING for a hidden one the response for an absent one."""
    differing = []
    for each in references():
        responses = []
        for end in (leaks.HIDDEN_NAME, "nothing"):
            far = id_of(each.far, end)
            item = each.item(id_of(each.kind, "brand-new"), far, **ALSO.get(each.kind, {}), **MINE)
            found = await done(api, REGISTER, {"items": [item], "references": "EXISTING", "dryRun": True})
            assert found["results"][0]["errors"], each
            responses.append(json.dumps(found).replace(far, "<id>"))
        if responses[0] != responses[1]:
            differing.append((each, *responses))
    assert "\n".join(map(str, differing)) == ""


async def test_an_unknown_reference_takes_the_requests_of_a_hidden_one(api: Api) -> None:
    """The response to a hidden id takes as many requests to the store as that to an absent one."""
    counts = [
        await api.count("zoe", ONE, input={**dataset("counted", far), "references": "EXISTING"})
        for far in (HIDDEN, ABSENT)
    ]
    assert counts[0] == counts[1]


async def test_a_dry_link_to_a_hidden_member_of_a_set_takes_the_requests_of_an_absent_one(api: Api) -> None:
    """The set of a feature is known by its record alone, which a caller who may not see it must not compare."""
    shut, absent = (f"mlg://feature/test/default/{name}" for name in ("in-a-hidden-set", "nothing"))
    hidden = {"owners": [{"owner": leaks.RANKING}], "visibility": "TEAM"}
    await api.load(
        {"feature": {"id": shut, **hidden}},
        {"featureSet": {"id": "mlg://feature-set/test/default/hidden-set", **hidden, "features": [shut]}},
    )
    ends = {"relation": "PRODUCES", "from": id_of("Run", "mine"), "dryRun": True}
    found = [await done(api, LINK, {**ends, "to": far}) for far in (shut, absent)]
    assert json.dumps(found[0]).replace(shut, absent) == json.dumps(found[1])
    counts = [await api.count("zoe", LINK, input={**ends, "to": far}) for far in (shut, absent)]
    assert counts[0] == counts[1]


async def test_a_dry_link_from_a_hidden_run_takes_the_requests_of_an_absent_one(api: Api) -> None:
    """The own feature is in a set, which the link of an absent run reads to find the owner of the feature."""
    own = "mlg://feature/test/default/in-an-own-set"
    await api.load(
        {"feature": {"id": own, **OWNED}},
        {"featureSet": {"id": "mlg://feature-set/test/default/own-set", **OWNED, "features": [own]}},
    )
    hidden = {"owners": [{"owner": leaks.RANKING}], "visibility": "TEAM", "state": "COMPLETE"}
    await api.load({"run": {"id": id_of("Run", "hidden-maker"), **hidden}})
    ends = {"relation": "PRODUCES", "to": own, "dryRun": True}
    guesses = [id_of("Run", name) for name in ("hidden-maker", "nothing")]
    counts = [await api.count("zoe", LINK, input={**ends, "from": far}) for far in guesses]
    assert counts[0] == counts[1]


async def test_near_ids_are_visible_ones_of_the_kind(api: Api) -> None:
    """A mistyped name gets the ids that the caller may see, the most similar first, and no hidden or new one."""
    near, shut = "mlg://dataset/test/default/checkout-orders", "mlg://dataset/test/default/checkout-order"
    ranking = {"owners": [{"owner": leaks.RANKING}]}
    await api.load(
        {"dataset": {"id": near, **ranking}},
        {"dataset": {"id": shut, **ranking, "visibility": "TEAM"}},
        {"model": {"id": near.replace("/dataset/", "/model/"), **ranking}},
        {"dataset": {"id": "mlg://dataset/test/eu/checkout-orders", **ranking}},
    )
    given = {**dataset("typo", "mlg://dataset/test/default/chekout-ordrs"), "references": "EXISTING"}
    (error,) = (await done(api, ONE, given))["errors"]
    assert error["suggestions"] == [near, "mlg://dataset/test/eu/checkout-orders"]
    assert error["message"].endswith(f"check the id. Similar: {near}, mlg://dataset/test/eu/checkout-orders.")


async def test_teams_and_parents_have_near_ids_too(api: Api) -> None:
    """A mistyped owner is not registered by anybody, and the parent of a version counts as a reference."""
    given = {"id": "mlg://dataset/test/default/owned", "owners": [{"owner": "mlg://team/catalog/default/rankng"}]}
    (error,) = (await done(api, ONE, {**given, "references": "EXISTING"}))["errors"]
    assert (error["code"], error["suggestions"]) == ("UNKNOWN_REFERENCE", [leaks.RANKING])
    version = {"modelVersion": {"id": "mlg://model-version/test/default/rankr@1", **OWNED}}
    (result,) = (await done(api, REGISTER, {"items": [version], "references": "EXISTING"}))["results"]
    (error,) = result["errors"]
    assert (error["code"], error["inputPath"]) == ("UNKNOWN_REFERENCE", ["modelVersion", "model"])
    assert error["suggestions"][0] == leaks.MODEL


async def test_a_call_may_refer_to_what_it_registers(api: Api) -> None:
    """With EXISTING, items refer to ids of the call in any order, dry or not; an item may accept any id for itself."""
    later, any_id = "mlg://dataset/test/default/later", "mlg://dataset/test/default/any-id"
    items = [
        {"dataset": dataset("sooner", later)},
        {"dataset": {"id": later, **OWNED}},
        {"dataset": dataset("lenient", any_id, references="ANY")},
    ]
    for dry_run in (True, False):
        found = await done(api, REGISTER, {"items": items, "references": "EXISTING", "dryRun": dry_run})
        assert ([each["errors"] for each in found["results"]], found["placeholders"]) == ([[], [], []], [any_id])


async def test_a_mistyped_check_has_near_names_that_are_visible(api: Api) -> None:
    """With EXISTING a new check is refused with the names of the asset's checks; without it, a check is created."""
    report = f"mutation ($input: ReportCheckInput!) {{ done: reportCheck(input: $input) {{ {ERRORS} }} }}"
    assert (await done(api, ONE, dataset("checked")))["errors"] == []
    given = {"asset": dataset("checked")["id"], "checkKind": "FRESHNESS", "status": "PASS"}
    assert (await done(api, report, {**given, "check": "rows-fresh"}))["errors"] == []
    (error,) = (await done(api, report, {**given, "check": "row-fresh", "references": "EXISTING"}))["errors"]
    assert (error["code"], error["inputPath"]) == ("UNKNOWN_REFERENCE", ["check"])
    assert error["suggestions"] == ["rows-fresh"]
    assert (await done(api, report, {**given, "check": "rows-fresh", "references": "EXISTING"}))["errors"] == []
