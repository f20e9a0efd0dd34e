"""What a caller may not read it may not compare: a right guess of a hidden value is answered like a wrong one."""

import re
import tomllib
from typing import Any

import pytest
from support.estates.leak_catalogue import token
from support.servers.in_process import Api
from support.source_tree import ROOT

ADS, RANKING = ({"owner": f"mlg://team/catalog/default/{name}"} for name in ("ads", "ranking"))
HISTORY = "query ($id: ID!) { asset(id: $id) { revision history(first: 20) { nodes { action fields { field } } } } }"
LINK = """mutation ($input: LinkInput!) {
  done: link(input: $input) { errors { code message } } }"""
GUESSES: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "params": (
        {"params": [{"key": "password", "value": "a"}]},
        [{"params": [{"key": "password", "value": "b"}]}, {"params": None}],
    ),
    "error": ({"error": "a"}, [{"error": "b"}, {"error": None}]),
}


def run(name: str) -> str:
    """Return the id of a run."""
    return f"mlg://run/test/default/{name}"


def dataset(name: str) -> str:
    """Return the id of a dataset."""
    return f"mlg://dataset/test/default/{name}"


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over two teams, with eva, engineer of team ads."""
    api.tokens["eva"] = token(api, "eva", "ads", roles="engineer")
    await api.load({"team": {"name": "ads"}}, {"team": {"name": "ranking"}})
    return api


def test_every_secret_is_guessed() -> None:
    """Each field that administrators write and do not read has guesses: those with the label `secret`."""
    labels = tomllib.loads((ROOT / "policies" / "labels.toml").read_text())
    secrets = {(kind, field) for kind, fields in labels.items() for field, label in fields.items() if label == "secret"}
    assert secrets == {("Run", field) for field in GUESSES}


@pytest.mark.parametrize("field", GUESSES)
@pytest.mark.parametrize("dry", [True, False], ids=["dry", "written"])
async def test_an_administrator_guesses_no_secret(api: Api, field: str, dry: bool) -> None:  # noqa: FBT001 - a case
    """Root without break-glass gets the same answer, revision and history for the stored secret and for others."""
    right, wrong = GUESSES[field]
    answers = []
    for number, guess in enumerate([right, *wrong]):
        urn = run(f"{field}-{dry}-{number}")
        item = {"id": urn, "owners": [RANKING], "state": "FAIL"}
        assert (await api.register("ada", {"run": {**item, **right}}))["failed"] == 0
        payload = await api.register("root", {"run": {"id": urn, **guess}}, dryRun=dry)
        answers.append((payload["results"], await api.ask("root", HISTORY, id=urn)))
    assert answers[0][0][0]["outcome"] == "UPDATED"
    assert answers[0] == answers[1] == answers[2]


async def test_who_may_read_a_secret_still_repeats_it_without_a_change(api: Api) -> None:
    """For an engineer of the owning team, and with break-glass, a repeated registration is UNCHANGED."""
    urn = run("repeated")
    item = {"run": {"id": urn, "state": "COMPLETE", "owners": [RANKING], "params": [{"key": "password", "value": "a"}]}}
    for who, outcome in (
        ("ada", "CREATED"),
        ("ada", "UNCHANGED"),
        ("root breaking glass", "UNCHANGED"),
        ("root", "UPDATED"),
        ("root", "UNCHANGED"),
        ("ada", "UNCHANGED"),
    ):
        assert (await api.register(who, item))["results"][0]["outcome"] == outcome
    shown = (
        "query ($id: ID!) { asset(id: $id) { history(first: 1) { nodes { actor fields { field before after } } } } }"
    )
    newest = (await api.ask("ada", shown, id=urn))["asset"]["history"]["nodes"][0]
    assert (newest["actor"], [entry["field"] for entry in newest["fields"]]) == ("root", ["params"])


async def test_a_revert_compares_no_hidden_value(api: Api) -> None:
    """A revert by root leaves a secret as it is, whether or not it changed again since."""
    answers = []
    for number, later in enumerate(("a", "b")):
        urn = run(f"reverted-{number}")
        await api.load({"run": {"id": urn, "owners": [ADS], "state": "RUNNING", "error": "x"}})
        await api.load({"run": {"id": urn, "error": "a", "state": "FAIL"}})
        found = await api.ask(
            "root", "query ($id: ID!) { asset(id: $id) { history(first: 1) { nodes { id } } } }", id=urn
        )
        change = found["asset"]["history"]["nodes"][0]["id"]
        await api.load({"run": {"id": urn, "error": later}})
        revert = "mutation ($input: RevertChangeInput!) { revertChange(input: $input) { changed errors { code } } }"
        answers.append(await api.ask("root", revert, input={"change": change}))
        left = await api.ask(
            "root breaking glass", "query ($id: ID!) { asset(id: $id) { ... on Run { error } } }", id=urn
        )
        assert left["asset"]["error"] == later
    assert answers[0] == answers[1] == {"revertChange": {"changed": True, "errors": []}}


@pytest.mark.parametrize("how", ["derivedFrom", "link"])
async def test_no_engineer_guesses_a_hidden_source(api: Api, how: str) -> None:
    """Ada gets the same answer and history whether the hidden asset that she names is a source already or not."""
    answers = []
    for linked in (True, False):
        mine, theirs = dataset(f"mine-{how}-{linked}"), dataset(f"theirs-{how}-{linked}")
        await api.load({"dataset": {"id": theirs, "visibility": "TEAM", "owners": [ADS]}})
        await api.load({"dataset": {"id": mine, "owners": [RANKING], "derivedFrom": [theirs] if linked else []}})
        if linked and how == "link":
            await api.ask("root", LINK, input={"relation": "DERIVES", "from": theirs, "to": mine})
        if how == "link":
            done: Any = await api.ask("ada", LINK, input={"relation": "DERIVES", "from": theirs, "to": mine})
        else:
            done = (await api.register("ada", {"dataset": {"id": mine, "derivedFrom": [theirs]}}))["results"]
        again = (await api.register("ada", {"dataset": {"id": mine, "derivedFrom": [theirs]}}))["results"]
        answer = (done, again, await api.ask("ada", HISTORY, id=mine))
        answers.append(str(answer).replace(mine, "mine").replace(theirs, "theirs"))
    assert answers[0] == answers[1]


CHANGES = "query ($id: ID!) { asset(id: $id) { history(first: 20) { nodes { id action } } } }"
REVERT = """mutation ($input: RevertChangeInput!) {
  revertChange(input: $input) { changed errors { code message } } }"""


def columns_from(source: str) -> list[dict[str, Any]]:
    """Return one column that is computed from a column of a dataset."""
    return [{"name": "a", "derivedFrom": [{"dataset": source, "column": "c"}]}]


@pytest.mark.parametrize("dry", [True, False], ids=["dry", "written"])
@pytest.mark.parametrize("value", ["columns", "runId"])
async def test_no_hidden_id_in_a_value_is_guessed(api: Api, value: str, dry: bool) -> None:  # noqa: FBT001 - a case
    """Ada gives the stored hidden source or run, another one, or an absent one, and reverts each change, dry.

    The answers and the history are the same for all three.
    """
    answers = []
    for guess in ("stored", "other", "absent"):
        kind, place = {"columns": dataset, "runId": run}[value], f"{value}-{dry}-{guess}"
        ids = {each: kind(f"{place}-is-{each}") for each in ("stored", "other", "absent")}
        for each in ("stored", "other"):
            shut = {"id": ids[each], "visibility": "TEAM", "owners": [ADS]}
            await api.load({"dataset": shut} if value == "columns" else {"run": {**shut, "state": "COMPLETE"}})
        mine, far = dataset(f"{place}-mine"), dataset(f"{place}-far")
        await api.load({"dataset": {"id": far, "owners": [RANKING]}}, {"dataset": {"id": mine, "owners": [RANKING]}})
        items: list[dict[str, Any]] = [
            {"dataset": {"id": mine, "columns": columns_from(each)}}
            if value == "columns"
            else {"link": {"relation": "DERIVES", "from": far, "to": mine, "runId": each}}
            for each in (ids["stored"], ids[guess])
        ]
        await api.load(items[0])
        done = [(await api.register("ada", items[1], dryRun=each))["results"] for each in (dry, True, True)]
        assert done[0][0]["outcome"] == "UPDATED"
        changes = (await api.ask("ada", CHANGES, id=mine))["asset"]["history"]["nodes"]
        reverts = [await api.ask("ada", REVERT, input={"change": each["id"], "dryRun": True}) for each in changes]
        text = str((done, reverts, await api.ask("ada", HISTORY, id=mine)))
        for name, each in {"FAR": far, "MINE": mine, "GUESS": ids[guess]}.items():
            text = text.replace(each, name)
        answers.append(re.sub("mlg://change/[^ '`]*", "CHANGE", text))
    assert answers[0] == answers[1] == answers[2]


async def test_visible_sources_and_runs_are_still_repeated_without_a_change(api: Api) -> None:
    """A repetition by ada is UNCHANGED if the run is a visible asset, and if she gave the columns.

    The first time, the columns count as changed: others may have given sources that she does not see.
    """
    mine, far, visible = dataset("repeats"), dataset("repeats-far"), run("repeats")
    items: list[dict[str, Any]] = [
        {"run": {"id": visible, "owners": [RANKING], "state": "COMPLETE"}},
        {"dataset": {"id": far, "owners": [RANKING]}},
        {"dataset": {"id": mine, "owners": [RANKING], "columns": columns_from(far)}},
        {"link": {"relation": "DERIVES", "from": far, "to": mine, "runId": visible}},
    ]
    await api.load(*items)
    for columns in ("UPDATED", "UNCHANGED"):
        done = (await api.register("ada", *items))["results"]
        assert [each["outcome"] for each in done] == ["UNCHANGED", "UNCHANGED", columns, "UNCHANGED"]


async def test_a_list_does_not_show_a_hidden_source_that_another_declared(api: Api) -> None:
    """Clearing a list is answered alike with and without a hidden source that root declared, which then remains."""
    answers = []
    for linked in (True, False):
        mine, theirs = dataset(f"cleared-{linked}"), dataset(f"their-source-{linked}")
        await api.load({"dataset": {"id": theirs, "visibility": "TEAM", "owners": [ADS]}})
        await api.load({"dataset": {"id": mine, "owners": [RANKING], "derivedFrom": [theirs] if linked else []}})
        done = (await api.register("ada", {"dataset": {"id": mine, "derivedFrom": []}}))["results"]
        answers.append((done, await api.ask("ada", HISTORY, id=mine)))
        found = await api.ask("root", "query ($id: ID!) { asset(id: $id) { upstream { totalCount } } }", id=mine)
        assert found["asset"]["upstream"]["totalCount"] == int(linked)
    assert answers[0] == answers[1]


REVISED: dict[str, dict[str, Any]] = {
    "deleteAsset": {},
    "setStage": {"stage": "ACTIVE"},
    "setOwners": {"owners": [ADS]},
    "setTags": {"add": ["mlg://tag/catalog/default/any"]},
    "approve": {"gate": "release", "decision": "REJECTED"},
    "registerDataset": {"description": "x"},
}
"""Values for each mutation that takes the expected revision of a dataset."""


@pytest.mark.parametrize("mutation", REVISED)
async def test_no_revision_is_guessed_by_who_may_only_discover(api: Api, mutation: str) -> None:
    """A caller who sees no `revision` of a draft gets the same denial for the right and for a wrong guess of it."""
    urn = dataset(f"draft-{mutation}")
    await api.load({"dataset": {"id": urn, "owners": [RANKING], "stage": "DRAFT"}})
    document_of_draft = "query ($id: ID!) { asset(id: $id) { revision viewerAccess { grade } } }"
    assert (await api.ask("eva", document_of_draft, id=urn))["asset"] == {
        "revision": None,
        "viewerAccess": {"grade": "DISCOVER"},
    }
    revision = (await api.ask("ada", document_of_draft, id=urn))["asset"]["revision"]
    kind = f"{mutation[0].upper()}{mutation[1:]}Input" if mutation != "registerDataset" else "DatasetInput"
    document = f"mutation ($input: {kind}!) {{ done: {mutation}(input: $input) {{ errors {{ code message }} }} }}"
    subject = {"deleteAsset": "asset", "approve": "subject", "registerDataset": "id"}.get(mutation, "asset")
    answers = [
        (await api.ask("eva", document, input={subject: urn, **REVISED[mutation], "expectedRevision": guess}))["done"]
        for guess in (revision, revision + 95)
    ]
    assert answers[0] == answers[1]
    assert [error["code"] for error in answers[0]["errors"]] == ["DENIED"]
