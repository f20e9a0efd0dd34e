"""A link to a hidden asset: its author sees its effect, lists and ends it; others learn nothing of its end."""

from dataclasses import replace
from typing import Any

import pytest
from support.servers.in_process import Api

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona

RANKING, ADS = ({"owner": f"mlg://team/catalog/default/{name}"} for name in ("ranking", "ads"))
PAYLOAD = """changed edge { id } sensitivityBefore effect asset { id sensitivity }
  errors { code message inputPath }"""
LINK, UNLINK = (
    f"mutation ($input: {name.title()}Input!) {{ done: {name}(input: $input) {{ {PAYLOAD} }} }}"
    for name in ("link", "unlink")
)
UPSTREAM = "query ($id: ID!) { asset(id: $id) { upstream { nodes { asset { id } confidence validTo } } } }"
HISTORY = """query ($subjects: [ID!]!) { changes(filter: {subjects: $subjects}, first: 50) {
  nodes { id action subjectId fields { field before after } } } }"""
REVERT = """mutation ($input: RevertChangeInput!) { revertChange(input: $input) {
  changed errors { code message } } }"""
OWN = """query ($subject: ID!, $actor: String!) { changes(filter: {subjects: [$subject], actors: [$actor],
  actions: [LINKED, UNLINKED, RAISED]}) { nodes { action fields { field before after } } } }"""


def dataset(name: str) -> str:
    """Return the id of a dataset."""
    return f"mlg://dataset/test/default/{name}"


def link(source: str, target: str) -> dict[str, str]:
    """Return the input of `link` and `unlink`."""
    return {"relation": "DERIVES", "from": dataset(source), "to": dataset(target)}


async def own_changes(api: Api, who: str, name: str, actor: str = "ada") -> list[tuple[str, list[Any]]]:
    """Return action and fields of the changes of a dataset that an author made, the newest first."""
    found = (await api.ask(who, OWN, subject=dataset(name), actor=actor))["changes"]["nodes"]
    return [(each["action"], [(x["field"], x["before"], x["after"]) for x in each["fields"]]) for each in found]


async def prepared(api: Api, name: str, **hidden: Any) -> None:
    """Load a dataset of team ranking, and one of team ads that is hidden from ada."""
    await api.load(
        {"dataset": {"id": dataset(f"mine-{name}"), "owners": [RANKING]}},
        {"dataset": {"id": dataset(f"hidden-{name}"), "owners": [ADS], "visibility": "TEAM", **hidden}},
    )


async def sensitivity(api: Api, who: str, name: str) -> str | None:
    """Return the sensitivity of a dataset, None if it is hidden."""
    found = (await api.ask(who, "query ($id: ID!) { asset(id: $id) { sensitivity } }", id=dataset(name)))["asset"]
    return found and str(found["sensitivity"])


async def test_an_author_sees_and_ends_a_link_to_a_hidden_asset(api: Api) -> None:
    """The payload and the history of the author name the link and its effect, and `unlink` ends both."""
    await prepared(api, "seen", sensitivity="RESTRICTED")
    mine, hidden = dataset("mine-seen"), dataset("hidden-seen")
    done = (await api.ask("ada", LINK, input=link("hidden-seen", "mine-seen")))["done"]
    assert done == {
        "changed": True,
        "edge": None,
        "sensitivityBefore": "INTERNAL",
        "effect": f"DERIVES can propagate the sensitivity and the propagating tags of {hidden} to {mine}, but not "
        "after its end, nor while it is declassified or unconfirmed.",
        "asset": {"id": mine, "sensitivity": "RESTRICTED"},
        "errors": [],
    }
    linked = ("upstream", None, f'{{"id":"{hidden}","relation":"DERIVES"}}')
    raised = ("RAISED", [("sensitivity", "INTERNAL", "RESTRICTED")])
    assert await own_changes(api, "ada", "mine-seen") == [raised, ("LINKED", [linked])]
    assert await own_changes(api, "eli", "mine-seen") == [raised]
    assert await sensitivity(api, "bo", "mine-seen") is None
    ended = (await api.ask("ada", UNLINK, input=link("hidden-seen", "mine-seen")))["done"]
    assert (ended["changed"], ended["errors"], ended["sensitivityBefore"]) == (True, [], "RESTRICTED")
    await api.wait_for_jobs()
    assert await sensitivity(api, "bo", "mine-seen") == "INTERNAL"
    unlinked = ("UNLINKED", [("upstream", linked[2], None)])
    assert await own_changes(api, "ada", "mine-seen") == [unlinked, raised, ("LINKED", [linked])]


async def test_the_life_of_a_link_to_a_hidden_asset_is_that_of_one_to_an_absent_one(api: Api) -> None:
    """Link, repetition, history, end and second end have equal responses.

    Except ``edge``, because the stub of the absent id, once it is linked, is visible.
    """
    lives = []
    for number, far in enumerate(("hidden", "absent")):
        name = f"life{number}"
        await prepared(api, name)
        given = link(f"{far}-{name}", f"mine-{name}")
        life: list[str] = []
        for document in (LINK, LINK, None, UNLINK, UNLINK, None):
            if document is None:
                answer: Any = await own_changes(api, "ada", f"mine-{name}")
            else:
                answer = (await api.ask("ada", document, input=given))["done"]
                if life:
                    answer.pop("edge")
            life.append(_names_only(str(answer).replace(f"{far}-{name}", "far").replace(name, "n")))
        lives.append(life)
    assert lives[0] == lives[1]


def _names_only(answer: str) -> str:
    """Return an answer without the values of an edge that only readers of both ends see."""
    start = answer.find(',"origin"')
    return answer if start < 0 else _names_only(answer[:start] + answer[answer.index("}", start) :])


@pytest.mark.parametrize("redeclared", [False, True])
async def test_the_hidden_link_of_another_caller_is_not_ended_or_shown(api: Api, *, redeclared: bool) -> None:
    """A link that root declared is NOT_FOUND for ada; declared again by her, nothing of the former is shown."""
    name = f"other-{redeclared}".lower()
    await prepared(api, name)
    given = link(f"hidden-{name}", f"mine-{name}")
    await api.ask("root", LINK, input={**given, "confidence": 0.5, "origin": "INFERRED"})
    if not redeclared:
        refused = (await api.ask("ada", UNLINK, input=given))["done"]
        assert [error["code"] for error in refused["errors"]] == ["NOT_FOUND"]
        assert (refused["asset"], refused["sensitivityBefore"], refused["effect"]) == (None, None, None)
        assert await own_changes(api, "ada", f"mine-{name}", "root") == []
        return
    await api.ask("ada", LINK, input=given)
    shown = f'{{"id":"{dataset(f"hidden-{name}")}","relation":"DERIVES"}}'
    assert await own_changes(api, "ada", f"mine-{name}") == [("LINKED", [("upstream", None, shown)])]
    assert await own_changes(api, "eli", f"mine-{name}") == []
    assert (await api.ask("ada", UNLINK, input=given))["done"]["changed"]


async def test_a_link_that_root_declared_again_is_no_longer_the_authors(api: Api) -> None:
    """After root, to whom both ends are visible, declared it too, ada cannot end it, as if it did not exist."""
    await prepared(api, "again")
    given = link("hidden-again", "mine-again")
    await api.ask("ada", LINK, input=given)
    await api.ask("root", LINK, input={**given, "confidence": 0.5})
    refused = (await api.ask("ada", UNLINK, input=given))["done"]
    assert [error["code"] for error in refused["errors"]] == ["NOT_FOUND"]


async def test_a_guessed_link_and_its_end_change_nothing_of_the_edge_of_others(api: Api) -> None:
    """Root's edge keeps its values and its effect; ada's responses are those for a hidden dataset without an edge."""
    lives = []
    for name, far in (("right", "hidden-right"), ("wrong", "hidden-other-guess")):
        await prepared(api, name, sensitivity="CONFIDENTIAL")
        await prepared(api, "other-guess", sensitivity="CONFIDENTIAL")
        edge = {**link(f"hidden-{name}", f"mine-{name}"), "confidence": 0.5}
        await api.ask("root", LINK, input=edge)
        given = link(far, f"mine-{name}")
        done = [(await api.ask("ada", document, input=given))["done"] for document in (LINK, LINK, UNLINK, UNLINK)]
        await api.wait_for_jobs()
        own = await own_changes(api, "ada", f"mine-{name}")
        lives.append(str([done, own]).replace(far, "far").replace(f"mine-{name}", "mine"))
        assert await sensitivity(api, "ada", f"mine-{name}") == "CONFIDENTIAL"
        found = await api.ask("root", UPSTREAM, id=dataset(f"mine-{name}"))
        assert found["asset"]["upstream"]["nodes"] == [
            {"asset": {"id": dataset(f"hidden-{name}")}, "confidence": 0.5, "validTo": None}
        ]
    assert lives[0] == lives[1]


ENDS = ("shared", "ours", "theirs", "absent")
"""Far ends of links by ada: visible to all, to her team alone, to another team alone, and not there."""


async def linked(api: Api, name: str) -> list[str]:
    """Let ada derive two datasets from ENDS, by `link` and by a registration; return the ids of both."""
    await prepared(api, name)
    far = [dataset(f"{end}-{name}") for end in ENDS]
    await api.load(
        {"dataset": {"id": far[0], "owners": [ADS]}},
        {"dataset": {"id": far[1], "owners": [RANKING], "visibility": "TEAM"}},
        {"dataset": {"id": far[2], "owners": [ADS], "visibility": "TEAM"}},
    )
    for end in ENDS:
        assert (await api.ask("ada", LINK, input=link(f"{end}-{name}", f"mine-{name}")))["done"]["changed"]
    listed = {"dataset": {"id": dataset(f"listed-{name}"), "owners": [RANKING], "derivedFrom": far}}
    assert (await api.register("ada", listed))["failed"] == 0
    return [dataset(f"mine-{name}"), dataset(f"listed-{name}")]


def weaken(api: Api, caller: str, *scopes: str, name: str = "ada") -> None:
    """Add a token of a subject without groups and roles, by the name of a caller."""
    weak = replace(persona("ada"), name=name, groups=(), roles=(), scopes=scopes)
    api.tokens[caller] = DevIssuer(api.process.settings).mint(weak)


async def named_ends(api: Api, who: str, subjects: list[str], name: str) -> dict[str, list[str]]:
    """Return, for each of ENDS, the entries that name it, without its name, in the history that a caller sees."""
    nodes = (await api.ask(who, HISTORY, subjects=subjects))["changes"]["nodes"]
    entries = [(node["action"], node["subjectId"], str(each)) for node in nodes for each in node["fields"]]
    return {
        end: [str(each).replace(f"{end}-{name}", "far") for each in entries if f"{end}-{name}" in each[2]]
        for end in ENDS
    }


async def test_a_weak_token_of_an_account_lists_no_hidden_end_of_its_links(api: Api) -> None:
    """With `graph:read` alone, its history is that of a stranger; the full token sees all four ends in both changes."""
    subjects = await linked(api, "weak")
    weaken(api, "weak ada", "graph:read")
    weaken(api, "stranger", "graph:read", name="zed")
    assert [len(each) for each in (await named_ends(api, "ada", subjects, "weak")).values()] == [2, 2, 2, 2]
    found, strange = [await api.ask(who, HISTORY, subjects=subjects) for who in ("weak ada", "stranger")]
    assert found == strange
    assert [len(each) for each in (await named_ends(api, "weak ada", subjects, "weak")).values()] == [2, 0, 0, 2]


async def test_a_writing_token_without_groups_lists_only_ends_that_were_named_unseen(api: Api) -> None:
    """A link to an asset of a team is gone with the team, for reads and writes; hidden and absent ends stay alike."""
    subjects = await linked(api, "left")
    weaken(api, "ada alone", "graph:read", "graph:write")
    for registers in (False, True):
        if registers:
            await api.load({"dataset": {"id": dataset("absent-left"), "owners": [ADS], "visibility": "TEAM"}})
        found = await named_ends(api, "ada alone", subjects, "left")
        assert [len(each) for each in found.values()] == [2, 0, 2, 2]
        assert found["theirs"] == found["absent"]
    nodes = (await api.ask("ada", HISTORY, subjects=subjects[:1]))["changes"]["nodes"]
    (change,) = [node["id"] for node in nodes if node["action"] == "LINKED" and "ours-left" in str(node["fields"])]
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await api.ask("ada", node, id=change))["node"] == {"id": change}
    assert (await api.ask("ada alone", node, id=change))["node"] is None
    answers = [
        str(await api.ask("ada alone", REVERT, input={"change": each, "reason": "a wrong link"})).replace(each, "it")
        for each in (change, f"{change[:-4]}0000")
    ]
    assert "NOT_FOUND" in answers[0]
    assert answers[0] == answers[1]


async def test_a_link_to_an_asset_that_is_hidden_later_is_ended_by_its_id(api: Api) -> None:
    """Its author no longer finds the link in the history, and `unlink` with the id ends it, as that of an own link."""
    await prepared(api, "later")
    visible = {"id": dataset("visible-later"), "owners": [ADS]}
    await api.load({"dataset": visible})
    given = link("visible-later", "mine-later")
    await api.ask("ada", LINK, input=given)
    assert [action for action, _ in await own_changes(api, "ada", "mine-later")] == ["LINKED"]
    await api.load({"dataset": {**visible, "visibility": "TEAM"}})
    assert await own_changes(api, "ada", "mine-later") == []
    assert (await api.ask("ada", UNLINK, input=given))["done"]["changed"]
    ended = f'{{"id":"{visible["id"]}","relation":"DERIVES"}}'
    assert await own_changes(api, "ada", "mine-later") == [("UNLINKED", [("upstream", ended, None)])]
