"""A link to a hidden asset: its author sees its effect, lists and ends it; others learn nothing of its end."""

from typing import Any

import pytest
from support.servers.in_process import Api

RANKING, ADS = ({"owner": f"mlg://team/catalog/default/{name}"} for name in ("ranking", "ads"))
PAYLOAD = """changed edge { id } sensitivityBefore effect asset { id sensitivity }
  errors { code message inputPath }"""
LINK, UNLINK = (
    f"mutation ($input: {name.title()}Input!) {{ done: {name}(input: $input) {{ {PAYLOAD} }} }}"
    for name in ("link", "unlink")
)
UPSTREAM = "query ($id: ID!) { asset(id: $id) { upstream { nodes { asset { id } confidence validTo } } } }"
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
