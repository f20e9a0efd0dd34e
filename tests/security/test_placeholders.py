"""A reference creates no user, no team and no visible version of others; tags and domains are administered."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.documents.extremes.extreme_events import plain_event
from support.servers.in_process import Api
from support.servers.odd_requests import posted

ADS, RANKING = (f"mlg://team/catalog/default/{name}" for name in ("ads", "ranking"))
ADA, GHOST = (f"mlg://user/catalog/default/{name}" for name in ("ada", "ghost"))
MODEL = "mlg://model/test/default/theirs"
LINK = "mutation ($input: LinkInput!) { done: link(input: $input) { errors { code message } } }"
USAGE = (
    "mutation ($input: RecordUsageInput!) { done: recordUsage(input: $input) { errors { code message inputPath } } }"
)
OWN = "mutation ($input: SetOwnersInput!) { done: setOwners(input: $input) { errors { code message inputPath } } }"


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over two teams, and a model of ads with one version."""
    await api.load(
        {"team": {"id": ADS, "name": "ads"}},
        {"team": {"id": RANKING, "name": "ranking"}},
        {"domain": {"name": "shop", "owners": [{"owner": ADS}]}},
        {"tag": {"name": "pii", "tagKind": "PII", "propagates": True}},
        {"model": {"id": MODEL, "owners": [{"owner": ADS}]}},
        {"modelVersion": {"id": "mlg://model-version/test/default/theirs@1", "owners": [{"owner": ADS}]}},
    )
    return api


def data(name: str, **values: Any) -> dict[str, Any]:
    """Return a dataset of ranking."""
    return {"dataset": {"id": f"mlg://dataset/test/default/{name}", "owners": [{"owner": RANKING}], **values}}


async def exists(api: Api, urn: str) -> bool:
    """Return whether anything is stored under an id."""
    return (await api.ask("root", "query ($id: ID!) { node(id: $id) { id } }", id=urn))["node"] is not None


async def test_a_reference_creates_no_identity(api: Api) -> None:
    """An engineer who names an unknown user or team is rejected with what to do, by every field and mutation."""
    day = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()
    mine, run = "mlg://dataset/test/default/mine", "mlg://run/test/default/mine"
    await api.load(data("mine"), {"run": {"id": run, "state": "COMPLETE", "owners": [{"owner": RANKING}]}})
    unknown = "mlg://team/catalog/default/unknown"
    started = await api.register("ada", {"run": {"id": run, "startedBy": GHOST}})
    errors = [error for result in started["results"] for error in result["errors"]]
    for mutation, given in (
        (USAGE, {"records": [{"asset": mine, "consumer": unknown, "day": day, "reads": 1}]}),
        (OWN, {"asset": mine, "owners": [{"owner": RANKING}, {"owner": GHOST}]}),
        (LINK, {"relation": "STARTED_BY", "from": run, "to": GHOST}),
    ):
        errors += (await api.ask("ada", mutation, input=given))["done"]["errors"]
    assert [error["code"] for error in errors] == ["NOT_FOUND"] * 4
    assert all("administrator" in error["message"] for error in errors)
    assert not await exists(api, GHOST)
    assert not await exists(api, unknown)


async def test_identities_of_the_token_and_of_administrators_are_accepted(api: Api) -> None:
    """The caller's own user and teams come from the identity provider, and an administrator names anybody."""
    owners = [{"owner": RANKING}, {"owner": ADA}]
    assert (await api.register("ada", data("of-ada", owners=owners)))["failed"] == 0
    await api.load(data("of-root", owners=[{"owner": RANKING}, {"owner": "mlg://user/catalog/default/new"}]))
    assert await exists(api, ADA)


async def test_a_version_that_was_only_referenced_is_listed_when_asked(api: Api) -> None:
    """A stub of a version of a model of others is neither in `versions` nor the latest; it is listed on request."""
    ghost = "mlg://model-version/test/default/theirs@9"
    only = "mlg://model-version/test/default/only-ghosts@1"
    run = {"id": "mlg://run/test/default/reads-ghosts", "state": "COMPLETE", "owners": [{"owner": RANKING}]}
    assert (await api.register("ada", {"run": {**run, "inputs": [ghost, only]}}))["failed"] == 0
    listed = """query ($id: ID!) { asset(id: $id) { ... on Model { latestVersion { version }
      versions { totalCount nodes { version } } all: versions(includeStubs: true) {
        totalCount nodes { version hydration } } } } }"""
    found = (await api.ask("root", listed, id=MODEL))["asset"]
    assert found["latestVersion"] == {"version": "1"}
    assert found["versions"] == {"totalCount": 1, "nodes": [{"version": "1"}]}
    stub = {"version": "9", "hydration": "STUB"}
    assert found["all"] == {"totalCount": 2, "nodes": [{"version": "1", "hydration": "FULL"}, stub]}
    empty = (await api.ask("root", listed, id="mlg://model/test/default/only-ghosts"))["asset"]
    assert (empty["latestVersion"], empty["versions"]["totalCount"], empty["all"]["totalCount"]) == (None, 0, 1)


@pytest.mark.parametrize(
    "item",
    [
        {"tag": {"name": "new", "tagKind": "PII", "propagates": True}},
        {"tag": {"name": "pii", "tagKind": "FREE"}},
        {"tag": {"name": "placeholder", "tagKind": "PII", "propagates": True}},
        {"domain": {"name": "shop", "owners": [{"owner": RANKING}]}},
        {"domain": {"name": "new"}},
        {"team": {"name": "new"}},
        {"user": {"name": "new"}},
    ],
    ids=lambda item: "-".join((next(iter(item)), next(iter(item.values()))["name"])),
)
async def test_the_vocabulary_is_administered(api: Api, item: dict[str, Any]) -> None:
    """Engineers, automation, approvers and auditors register and change no tag, domain, team or user; root does."""
    await api.load(data("tagged", tags=["mlg://tag/catalog/default/placeholder"]))
    outcomes = {}
    for who in ("ada", "ci-ranking", "eli", "cy", "root"):
        outcomes[who] = (await api.register(who, item, dryRun=True))["results"][0]["outcome"]
    assert {outcome for who, outcome in outcomes.items() if who != "root"} == {"DENIED"}
    assert outcomes["root"] in {"CREATED", "UPDATED"}


SHOP = "mlg://domain/catalog/default/shop"
PII = "mlg://tag/catalog/default/pii"
BESIDE: dict[str, dict[str, Any]] = {
    "setOwners": {"owners": [{"owner": RANKING}]},
    "setTags": {"add": [PII]},
    "setStage": {"stage": "DEPRECATED"},
    "deleteAsset": {},
}


@pytest.mark.parametrize("who", ["ada", "ci-ranking", "eli", "cy"])
async def test_no_other_mutation_changes_the_vocabulary(api: Api, who: str) -> None:
    """Others neither own, tag, retire nor delete a domain, tag, team or user, and revert none of its changes."""
    described = {"description": f"before {who}"}
    await api.load({"domain": {"name": "shop", **described}}, {"tag": {"name": "pii", "tagKind": "PII", **described}})
    await api.load({"team": {"name": "ranking", **described}}, {"user": {"name": "ada", "displayName": who}})
    for urn in (SHOP, PII, RANKING, ADA):
        changes = (await api.ask("root", CHANGES, id=urn))["changes"]["nodes"]
        assert changes
        calls = [(name, {"asset": urn, **given}) for name, given in BESIDE.items()]
        calls += [("revertChange", {"change": each["id"]}) for each in changes]
        for name, given in calls:
            document = (
                f"mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ done: {name}(input: $input) {{ {CODES} }} }}"
            )
            (error,) = (await api.ask(who, document, input=given))["done"]["errors"]
            assert error["code"] in {"DENIED", "INVALID"}, (name, given)
        assert (await api.ask("root", CHANGES, id=urn))["changes"]["nodes"] == changes


CODES = "errors { code }"
CHANGES = "query ($id: ID!) { changes(filter: {subjects: [$id]}) { nodes { id } } }"


async def test_an_event_creates_no_identity(api: Api) -> None:
    """Owners that an event names are refused unless they are registered; the rest of the event is written."""
    owners = {"owners": [{"name": "team:unknown"}, {"name": "user:ghost"}, {"name": "team:ranking"}]}
    event = plain_event()
    event["job"] |= {"facets": {"ownership": owners}}
    for dataset in (*event["inputs"], *event["outputs"]):
        dataset |= {"facets": {"ownership": owners}}
    report = (await posted(api, "ada", "/api/v1/lineage", event)).json()
    named = {each["id"] for each in report["refused"] if each.get("field") == "owners"}
    assert named == {"mlg://team/catalog/default/unknown", GHOST}
    assert report["outcome"] == "CREATED"
    assert not [urn for urn in named if await exists(api, urn)]


async def test_an_owner_still_reads_what_others_made_restricted(api: Api) -> None:
    """A reader of ads reads and lists an asset of ads that ranking's registration of its source made RESTRICTED.

    What ads declared RESTRICTED, or derived from a source that was known as RESTRICTED, the reader only discovers.
    """
    source, theirs, declared, derived = (
        f"mlg://dataset/test/default/{name}" for name in ("squatted", "of-ads", "shut-by-ads", "derived-by-ads")
    )
    owned = {"owners": [{"owner": ADS}], "description": "ours"}
    await api.load({"dataset": {"id": theirs, "derivedFrom": [source], **owned}})
    await api.load({"dataset": {"id": declared, "sensitivity": "RESTRICTED", **owned}})
    squat = {"dataset": {"id": source, "sensitivity": "RESTRICTED", "owners": [{"owner": RANKING}]}}
    assert (await api.register("ada", squat))["failed"] == 0
    await api.load({"dataset": {"id": derived, "derivedFrom": [source], **owned}})
    listed = """query ($ids: [ID!]) { assets(filter: {ids: $ids, sensitivities: [RESTRICTED]}) {
      nodes { id description sensitivity viewerAccess { grade } } } }"""
    ids = [source, theirs, declared, derived]
    found = await api.ask("bo", listed, ids=ids)
    read = {"description": "ours", "sensitivity": "RESTRICTED", "viewerAccess": {"grade": "READ"}}
    assert found["assets"]["nodes"] == [{"id": theirs, **read}]
    by_id = "query ($id: ID!) { asset(id: $id) { description viewerAccess { grade } } }"
    shown = {urn: (await api.ask("bo", by_id, id=urn))["asset"] for urn in ids}
    discovered = {"description": None, "viewerAccess": {"grade": "DISCOVER"}}
    readable = {"description": "ours", "viewerAccess": {"grade": "READ"}}
    assert shown == {source: None, theirs: readable, declared: discovered, derived: discovered}
    await api.load({"dataset": {"id": theirs, "sensitivity": "RESTRICTED"}})
    assert (await api.ask("bo", by_id, id=theirs))["asset"] == discovered


UNCONFIRMED = """query ($ids: [ID!], $not: Boolean) {
  assets(filter: {ids: $ids, sensitivityConfirmed: $not}) { nodes { id sensitivity confirmedSensitivity } } }"""


@pytest.mark.parametrize("who", ["ada", "bo", "root"])
async def test_every_role_lists_what_is_confirmed(api: Api, who: str) -> None:
    """The filter has few alternatives, also for callers from whom some rows hide both fields."""
    urn = "mlg://dataset/test/default/confirmed"
    await api.load({"dataset": {"id": urn, "owners": [{"owner": ADS}]}})
    for wanted, expected in ((True, [urn]), (False, [])):
        found = await api.ask(who, UNCONFIRMED, **{"ids": [urn], "not": wanted})
        assert [node["id"] for node in found["assets"]["nodes"]] == expected


async def test_an_owner_lists_and_confirms_what_others_raised(api: Api) -> None:
    """A raise by others is listed with what is confirmed, until a declaration by the owner confirms it."""
    source, theirs = (f"mlg://dataset/test/default/{name}" for name in ("taken", "raised-by-others"))
    owned = {"owners": [{"owner": ADS}]}
    await api.load({"dataset": {"id": theirs, "derivedFrom": [source], **owned}})
    squat = {"dataset": {"id": source, "sensitivity": "CONFIDENTIAL", "owners": [{"owner": RANKING}]}}
    assert (await api.register("ada", squat))["failed"] == 0

    async def listed(*, confirmed: bool) -> list[dict[str, Any]]:
        found = await api.ask("root", UNCONFIRMED, ids=[theirs], **{"not": confirmed})
        return list(found["assets"]["nodes"])

    raised = {"id": theirs, "sensitivity": "CONFIDENTIAL", "confirmedSensitivity": "INTERNAL"}
    assert (await listed(confirmed=False), await listed(confirmed=True)) == ([raised], [])
    await api.load({"dataset": {"id": theirs, "sensitivity": "CONFIDENTIAL"}})
    assert (await listed(confirmed=False), await listed(confirmed=True)) == (
        [],
        [{**raised, "confirmedSensitivity": None}],
    )


async def test_an_own_source_confirms_what_others_raised_before(api: Api) -> None:
    """The readers of the owner lose an asset that its team derives from restricted data, although others were first."""
    squatted, source, theirs = (
        f"mlg://dataset/test/default/first-{name}" for name in ("taken", "restricted", "raised-by-others")
    )
    owned = {"owners": [{"owner": ADS}]}
    await api.load({"dataset": {"id": theirs, "derivedFrom": [squatted], **owned}})
    squat = {"dataset": {"id": squatted, "sensitivity": "RESTRICTED", "owners": [{"owner": RANKING}]}}
    assert (await api.register("ada", squat))["failed"] == 0
    read = "query ($id: ID!) { asset(id: $id) { sensitivity confirmedSensitivity } }"
    shown = await api.ask("root", read, id=theirs)
    assert shown["asset"] == {"sensitivity": "RESTRICTED", "confirmedSensitivity": "INTERNAL"}
    await api.load({"dataset": {"id": source, "sensitivity": "RESTRICTED", **owned}})
    await api.load({"dataset": {"id": theirs, "derivedFrom": [squatted, source]}})
    shown = await api.ask("root", read, id=theirs)
    assert shown["asset"] == {"sensitivity": "RESTRICTED", "confirmedSensitivity": None}


async def test_an_own_version_confirms_what_a_version_of_others_raised_before(api: Api) -> None:
    """The own version is as restricted as that of others, so nothing is raised by it, and yet it confirms the raise."""
    parent, theirs = "mlg://dataset/test/default/versions-of-two", "mlg://dataset/test/default/below-versions-of-two"
    version = "mlg://dataset-version/test/default/versions-of-two"
    await api.load({"dataset": {"id": theirs, "derivedFrom": [parent], "owners": [{"owner": ADS}]}})
    squat = {"id": f"{version}@1", "sensitivity": "RESTRICTED", "owners": [{"owner": RANKING}]}
    assert (await api.register("ada", {"datasetVersion": squat}))["failed"] == 0
    read = "query ($id: ID!) { asset(id: $id) { sensitivity confirmedSensitivity } }"
    shown = await api.ask("root", read, id=theirs)
    assert shown["asset"] == {"sensitivity": "RESTRICTED", "confirmedSensitivity": "INTERNAL"}
    await api.load({"datasetVersion": {"id": f"{version}@2", "sensitivity": "RESTRICTED", "owners": [{"owner": ADS}]}})
    shown = await api.ask("root", read, id=theirs)
    assert shown["asset"] == {"sensitivity": "RESTRICTED", "confirmedSensitivity": None}


async def test_a_reference_to_a_later_version_does_not_decide_its_place(api: Api) -> None:
    """A stranger names ids of versions before they exist, and the owner registers them in another order."""
    model, stranger = "mlg://model/test/default/later", "mlg://model-version/test/default/named@1"
    ids = [f"mlg://model-version/test/default/later@{number}" for number in range(5)]
    owned = {"owners": [{"owner": ADS}]}
    await api.load({"model": {"id": model, **owned}}, {"modelVersion": {"id": ids[0], **owned}})
    named = {"modelVersion": {"id": stranger, "owners": [{"owner": RANKING}], "basedOn": [ids[1], ids[3]]}}
    assert (await api.register("ada", named))["failed"] == 0
    shown = "latestVersion { id } versions(first: 9) { nodes { id } }"
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on Model {{ {shown} }} }} }}"
    for count, urn in enumerate(ids[1:], 2):
        await api.load({"modelVersion": {"id": urn, **owned}})
        found = (await api.ask("root", query, id=model))["node"]
        assert found["latestVersion"]["id"] == urn
        assert [node["id"] for node in found["versions"]["nodes"]] == ids[:count][::-1]
    made = await api.ask("root", "query ($id: ID!) { asset(id: $id) { updatedAt } }", id=ids[2])
    past = f"query ($id: ID!, $at: DateTime!) {{ asset(id: $id, asOf: $at) {{ ... on Model {{ {shown} }} }} }}"
    found = (await api.ask("root", past, id=model, at=made["asset"]["updatedAt"]))["asset"]
    assert [node["id"] for node in found["versions"]["nodes"]] == ids[:3][::-1]
    assert found["latestVersion"]["id"] == ids[2]
