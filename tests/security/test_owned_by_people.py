"""What a user owns, or only a domain, is owned: by the user and the user's teams, and by the owners of the domain."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona

GROWTH, RANKING = (f"mlg://team/catalog/default/{name}" for name in ("growth", "ranking"))
HANA = "mlg://user/catalog/default/hana"
COMMERCE, LOST = (f"mlg://domain/catalog/default/{name}" for name in ("commerce", "lost"))
RUN, DATA, IN_DOMAIN, IN_LOST = (
    "mlg://run/test/default/of-hana",
    "mlg://dataset/test/default/of-hana",
    "mlg://dataset/test/default/of-commerce",
    "mlg://dataset/test/default/of-no-owner",
)
MODEL, VERSION = "mlg://model/test/default/of-hana", "mlg://model-version/test/default/of-hana@1"
DRAFTS: dict[str, dict[str, Any]] = {
    "mlg://model/test/default/draft-of-hana": {"owners": [{"owner": HANA}]},
    "mlg://model/test/default/draft-of-commerce": {"domain": COMMERCE},
    "mlg://model/test/default/draft": {},
}
"""Drafts of a user, of a domain and without an owner, each with a version that is none."""
SECRETS = "query ($id: ID!) { asset(id: $id) { id ... on Run { error } } }"
OWN = "mutation ($input: SetOwnersInput!) { setOwners(input: $input) { errors { code } } }"
MEMBERS = (("hana", "ada", "growth"), ("ivo", "ada", "growth"), ("stray", "ada", "other"), ("mia", "eli", "growth"))


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over assets of hana and of a domain of her team; engineers ivo and mia are in her team."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as api:
        issuer = DevIssuer(api.process.settings)
        for name, like, group in MEMBERS:
            api.tokens[name] = issuer.mint(replace(persona(like), name=name, groups=(group,)))
        owned = {"owners": [{"owner": HANA}]}
        await api.load(
            {"user": {"id": HANA, "name": "hana"}},
            {"team": {"id": GROWTH, "name": "growth", "members": [{"user": HANA}]}},
            {"team": {"id": RANKING, "name": "ranking"}},
            {"domain": {"id": COMMERCE, "name": "commerce", "owners": [{"owner": GROWTH}]}},
            {"domain": {"id": LOST, "name": "lost"}},
            {"run": {"id": RUN, "state": "FAIL", "error": "a secret", **owned}},
            {"dataset": {"id": DATA, **owned}},
            {"dataset": {"id": IN_DOMAIN, "domain": COMMERCE}},
            {"dataset": {"id": IN_LOST, "domain": LOST}},
            {"model": {"id": MODEL, **owned}},
            {"modelVersion": {"id": VERSION}},
            *({"model": {"id": urn, "stage": "DRAFT", **values}} for urn, values in DRAFTS.items()),
            *({"modelVersion": {"id": version_of(urn)}} for urn in DRAFTS),
        )
        yield api


def version_of(model: str) -> str:
    """Return the id of the version of a model."""
    return f"{model}@1".replace("mlg://model/", "mlg://model-version/")


async def outcome(api: Api, who: str, item: dict[str, Any], **more: Any) -> str:
    """Return the outcome of one registration."""
    return str((await api.register(who, item, **more))["results"][0]["outcome"])


async def test_only_the_side_of_the_owner_reads_what_a_user_owns(api: Api) -> None:
    """The secret error of hana's run is shown to hana and an engineer of her team, and hidden from all others."""
    shown = {who: (await api.send(who, SECRETS, id=RUN))["data"]["asset"]["error"] for who in ("hana", "ivo", "ada")}
    assert shown == {"hana": "a secret", "ivo": "a secret", "ada": None}


async def test_no_stranger_changes_what_a_user_owns(api: Api) -> None:
    """An engineer of another team can neither rewrite an asset of hana, nor its version, nor take it."""
    for item in ({"dataset": {"id": DATA, "location": "s3://x"}}, {"modelVersion": {"id": VERSION, "framework": "x"}}):
        outcomes = {who: await outcome(api, who, item, dryRun=True) for who in ("hana", "ivo", "ada", "stray")}
        assert outcomes == {"hana": "UPDATED", "ivo": "UPDATED", "ada": "DENIED", "stray": "DENIED"}
    taken = await api.ask("ada", OWN, input={"asset": DATA, "owners": [{"owner": RANKING}]})
    assert taken["setOwners"]["errors"] == [{"code": "DENIED"}]
    given = await api.ask("ivo", OWN, input={"asset": DATA, "owners": [{"owner": HANA}, {"owner": GROWTH}]})
    assert given["setOwners"]["errors"] == []


async def test_what_only_a_domain_owns_belongs_to_the_owner_of_the_domain(api: Api) -> None:
    """An asset in a domain without an owner of its own is changed by the domain's owners, else by administrators."""
    for urn, wanted in (
        (IN_DOMAIN, {"ivo": "UPDATED", "ada": "DENIED"}),
        (IN_LOST, {"ivo": "DENIED", "ada": "DENIED"}),
    ):
        item = {"dataset": {"id": urn, "location": "s3://x"}}
        assert {who: await outcome(api, who, item, dryRun=True) for who in wanted} == wanted
        assert await outcome(api, "root", item, dryRun=True) == "UPDATED"


async def test_a_team_only_row_of_a_user_is_listed_for_her_team(api: Api) -> None:
    """A row of visibility TEAM that a user owns is listed for her and her team, and is absent for others."""
    urn = "mlg://dataset/test/default/private-of-hana"
    await api.load({"dataset": {"id": urn, "visibility": "TEAM", "owners": [{"owner": HANA}]}})
    found_by_id = f'assets(filter: {{ids: ["{urn}"]}})'
    listed = f"{{ {found_by_id} {{ totalCount nodes {{ ownerTeam {{ id }} owners {{ inherited }} }} }} }}"
    found = {"totalCount": 1, "nodes": [{"ownerTeam": None, "owners": [{"inherited": False}]}]}
    for who, wanted in (("hana", found), ("mia", found), ("ada", {"totalCount": 0, "nodes": []})):
        assert (await api.ask(who, listed))["assets"] == wanted


HISTORY = """query ($id: ID!) { asset(id: $id) { ownerTeam { id } history { nodes { ...Entries } } }
  changes(filter: {subjects: [$id]}) { nodes { ...Entries } } }
  fragment Entries on Change { action fields { field before after } }"""


@pytest.mark.parametrize(("name", "own"), [("user", {"owners": [{"owner": HANA}]}), ("domain", {"domain": COMMERCE})])
async def test_the_owner_of_a_hidden_model_leaves_no_trace_in_a_history(
    api: Api, name: str, own: dict[str, Any]
) -> None:
    """Its version inherits a user or a domain, which only readers of the model learn; others see no further change."""
    model = f"mlg://model/test/default/hidden-of-{name}"
    version = {"id": version_of(model), "visibility": "ORG"}
    await api.load({"model": {"id": model, "visibility": "TEAM"}}, {"modelVersion": version})
    before = {who: await api.ask(who, HISTORY, id=version_of(model)) for who in ("ada", "bo", "root")}
    assert before["ada"]["changes"]["nodes"] == before["root"]["changes"]["nodes"] != []
    await api.load({"model": {"id": model, **own}})
    after = {who: await api.ask(who, HISTORY, id=version_of(model)) for who in before}
    assert (after["ada"], after["bo"]) == (before["ada"], before["bo"])
    latest, *earlier = after["root"]["changes"]["nodes"]
    assert (latest, earlier) == ({"action": "UPDATED", "fields": []}, before["root"]["changes"]["nodes"])


async def test_no_history_names_the_user_or_domain_of_a_draft(api: Api) -> None:
    """The version inherits the owner of its model, which is no team: its history is that of one without an owner."""
    for who in ("ada", "bo", "root"):
        answers = [await api.ask(who, HISTORY, id=version_of(urn)) for urn in DRAFTS]
        for answer in answers:
            assert answer["asset"]["history"] == answer["changes"]
            assert (answer["asset"]["ownerTeam"], HANA in str(answer), COMMERCE in str(answer)) == (None, False, False)
        fields = [[entry["field"] for each in one["changes"]["nodes"] for entry in each["fields"]] for one in answers]
        assert fields[0] == fields[1] == fields[2] != []
        assert "ownerTeam" not in fields[0]


async def test_a_filter_does_not_disclose_that_a_user_owns_a_draft(api: Api) -> None:
    """Each draft counts as unowned for who may not see `owners`, and so does its version, which inherits its owner.

    Hana, who may see them, finds that her draft is owned.
    """
    found, versions = {}, [version_of(urn) for urn in DRAFTS]
    for who in ("ada", "bo", "hana"):
        for owned in ("true", "false"):
            where = f"{{ids: $ids, owned: {owned}}}"
            listed = f"query ($ids: [ID!]) {{ assets(filter: {where}) {{ totalCount nodes {{ id }} }} }}"
            page = (await api.ask(who, listed, ids=[*DRAFTS, *versions]))["assets"]
            found[who, owned] = {node["id"] for node in page["nodes"]}
            assert page["totalCount"] == len(page["nodes"])
    of_hana, every = {urn for urn in DRAFTS if "hana" in urn}, {*DRAFTS, *versions}
    assert [found[who, "true"] for who in ("ada", "bo", "hana")] == [set(), set(), of_hana]
    assert [found[who, "false"] for who in ("ada", "bo", "hana")] == [every, every, every - of_hana]
