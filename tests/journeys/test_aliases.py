"""Aliases of a model: the version that an alias points at, rights, visibility, audit and reverts."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from support.estates.leak_catalogue import token
from support.estates.promotions import (
    ADS,
    ERRORS,
    RANKING,
    aliases,
    approve,
    codes,
    history,
    model,
    of_version,
    register,
    revert,
    served,
    set_alias,
    version,
)
from support.servers.in_process import Api, observes_one_process
from support.stores.received_rows import received_rows

DELETE = "mutation ($input: DeleteAssetInput!) { deleteAsset(input: $input) { changed errors { code message } } }"


def exists(number: int, name: str, *, protected: bool = False) -> dict[str, Any]:
    """Return the expected alias `champion`, set by eli, as the API returns it."""
    return {"name": "champion", "version": {"id": version(name, number)}, "protected": protected, "setBy": "eli"}


async def hide(api: Api, name: str, number: int) -> None:
    """Make another team the owner of a version, which is then visible to that team only."""
    await api.load({"modelVersion": {"id": version(name, number), "owners": [ADS], "visibility": "TEAM"}})


async def test_an_alias_is_read_from_both_sides(api: Api) -> None:
    """A new alias is returned by the payload, the model and the version, and bumps the revision of the model."""
    await register(api, "read")
    payload = await set_alias(api, "eli", "read")
    assert (payload["alias"], payload["changed"], payload["errors"]) == (exists(1, "read"), True, [])
    assert await aliases(api, "bo", "read") == {
        "revision": 2,
        "aliases": [exists(1, "read")],
        "version": {"id": version("read")},
    }
    assert (await of_version(api, "bo", "read", 1))["aliases"] == ["champion"]
    assert (await of_version(api, "bo", "read", 2))["aliases"] == []


async def test_version_and_alias_together_must_agree(api: Api) -> None:
    """The field `version` with version and alias returns the version that matches both, or null."""
    await register(api, "both")
    await set_alias(api, "eli", "both", 2)
    query = (
        "query ($id: ID!, $v: String) { asset(id: $id) { ... on Model { version(version: $v, alias: %s) { id } } } }"
    )
    for number, alias, expected in (
        ("2", '"champion"', version("both", 2)),
        ("1", '"champion"', None),
        (None, '"x"', None),
    ):
        found = (await api.ask("bo", query % alias, id=model("both"), v=number))["asset"]["version"]
        assert (found or {}).get("id") == expected


async def test_setting_the_same_alias_again_writes_nothing(api: Api) -> None:
    """Setting an alias to its current version changes neither revision nor history."""
    await register(api, "same")
    await set_alias(api, "eli", "same", protected=True)
    before = await aliases(api, "eli", "same"), await history(api, "eli", model("same"))
    payload = await set_alias(api, "eli", "same")
    assert (payload["changed"], payload["errors"], payload["alias"]["protected"]) == (False, [], True)
    assert (await aliases(api, "eli", "same"), await history(api, "eli", model("same"))) == before


async def test_an_expected_version_is_compared(api: Api) -> None:
    """`expectedVersion` null expects no alias, an id expects that version; a conflict names the current version."""
    await register(api, "expected")
    name = "expected"
    assert codes(await set_alias(api, "eli", name, expectedVersion=version(name, 2))) == ["CONFLICT"]
    assert codes(await set_alias(api, "eli", name, expectedVersion=None)) == []
    payload = await set_alias(api, "eli", name, 2, expectedVersion=None)
    assert codes(payload) == ["CONFLICT"]
    assert version(name, 1) in payload["errors"][0]["message"]
    assert payload["errors"][0]["inputPath"] == ["expectedVersion"]
    assert payload["gate"]["open"] is True
    assert codes(await set_alias(api, "eli", name, 2, expectedVersion=version(name, 1))) == []
    assert (await aliases(api, "eli", name))["aliases"] == [exists(2, name)]


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 65, "a/b", "champion\n"])
async def test_an_invalid_alias_name_is_rejected(api: Api, name: str) -> None:
    """An alias name that is empty, over 64 characters, or has spaces, slashes or non-ASCII letters is INVALID."""
    payload = await set_alias(api, "eli", "any", alias=name)
    assert (codes(payload), payload["errors"][0]["inputPath"]) == (["INVALID"], ["alias"])


async def test_only_a_registered_version_of_the_model_is_accepted(api: Api) -> None:
    """Versions of other models, ids of other kinds, unknown ids and stubs are rejected."""
    await register(api, "own")
    await register(api, "other")
    stub = {"deployment": {"source": "test", "name": "d", "modelVersion": version("own", 7), "owners": [RANKING]}}
    await api.load(stub)
    for given, code in (
        (version("other"), "INVALID"),
        (model("own"), "INVALID"),
        (version("own", 9), "NOT_FOUND"),
        (version("own", 7), "INVALID"),
    ):
        payload = await set_alias(api, "eli", "own", version=given)
        assert (codes(payload), payload["errors"][0]["inputPath"]) == ([code], ["version"])
        assert payload["gate"] is None
    assert (await aliases(api, "eli", "own"))["aliases"] == []


async def test_promotion_requires_rights_on_model_and_version(api: Api) -> None:
    """Engineers, auditors, administrators and approvers of another team cannot move an alias."""
    await register(api, "rights")
    for who in ("ada", "cy", "root"):
        assert codes(await set_alias(api, who, "rights")) == ["DENIED"]
    await api.load({"modelVersion": {"id": version("rights", 2), "owners": [ADS]}})
    assert codes(await set_alias(api, "eli", "rights", 2)) == ["DENIED"]
    assert codes(await set_alias(api, "eli", "rights", 1)) == []


async def test_a_deleted_version_cannot_be_promoted_nor_a_promoted_one_deleted(api: Api) -> None:
    """An alias never points at a deleted version; a promoted version is deleted with its model only."""
    await register(api, "gone")
    assert (await api.ask("root", DELETE, input={"asset": version("gone", 2)}))["deleteAsset"]["changed"]
    assert codes(await set_alias(api, "eli", "gone", 2)) == ["CONFLICT"]
    await set_alias(api, "eli", "gone", 1)
    refused = (await api.ask("root", DELETE, input={"asset": version("gone", 1)}))["deleteAsset"]
    assert codes(refused) == ["CONFLICT"]
    assert "the alias 'champion' of its model points at it" in refused["errors"][0]["message"]
    assert (await api.ask("root", DELETE, input={"asset": model("gone")}))["deleteAsset"]["changed"]


async def test_an_alias_of_a_hidden_version_is_invisible(api: Api) -> None:
    """For a caller from whom the version is hidden, reads and writes respond as if the alias did not exist.

    A protected one is the exception: its protection stays.
    """
    for name in ("hidden", "never"):
        await register(api, name)
    await set_alias(api, "eli", "hidden", 1)
    await hide(api, "hidden", 1)
    await api.load({"model": {"id": model("never"), "task": "x"}})  # gives both models the same number of revisions

    def plain(response: Any) -> str:
        return str(response).replace("hidden", "never")

    assert (await aliases(api, "root", "hidden"))["aliases"] == [exists(1, "hidden")]
    assert plain(await aliases(api, "eli", "hidden")) == plain(await aliases(api, "eli", "never"))
    expectations: list[dict[str, Any]] = [{"expectedVersion": version("never", 2)}, {"expectedVersion": None}]
    for expected in expectations:
        theirs = {key: value and value.replace("never", "hidden") for key, value in expected.items()}
        responses = [
            await set_alias(api, "eli", "hidden", 2, **theirs),
            await set_alias(api, "eli", "never", 2, **expected),
        ]
        assert plain(responses[0]) == plain(responses[1])
    assert (await aliases(api, "root", "hidden"))["aliases"] == [exists(2, "hidden")]
    fields = [(await history(api, "eli", model(name)))[0]["fields"] for name in ("hidden", "never")]
    assert plain(fields[0]) == plain(fields[1])
    assert len((await history(api, "root", model("hidden")))[0]["fields"]) == 2


async def test_the_audit_records_each_move(api: Api) -> None:
    """Each move is one audit entry with its alias, the versions before and after, protection and reason."""
    field = {"field": "aliases", "alias": "champion"}
    await register(api, "audit")
    await set_alias(api, "eli", "audit", 1)
    await set_alias(api, "eli", "audit", 2, protected=True, reason="it is better")
    changes = await history(api, "bo", model("audit"))
    first, second = (
        f'{{"version":"{version("audit", number)}","protected":{flag}}}' for number, flag in ((1, "false"), (2, "true"))
    )
    found = [(each["action"], each["actor"], each["reason"], each["fields"]) for each in changes[:2]]
    assert found == [
        ("ALIAS_SET", "eli", "it is better", [{**field, "before": first, "after": second}]),
        ("ALIAS_SET", "eli", None, [{**field, "before": None, "after": first}]),
    ]
    assert changes[2]["action"] == "REGISTERED"
    await hide(api, "audit", 1)
    left = [(each["action"], each["fields"]) for each in await history(api, "eli", model("audit"))]
    assert left[0] == ("ALIAS_SET", [{**field, "before": None, "after": second}])
    assert [action for action, _ in left[1:]] == ["REGISTERED"]


async def test_an_alias_is_removed_by_the_caller_who_set_it(api: Api) -> None:
    """With `setByMe` an alias of another caller remains; the removal is in the history, and can be reverted."""
    await register(api, "over")
    await set_alias(api, "eli", "over", 2)
    given = {"model": model("over"), "alias": "champion", "expectedVersion": version("over", 2), "setByMe": True}
    remove = f"mutation ($input: RemoveAliasInput!) {{ removeAlias(input: $input) {{ changed {ERRORS} }} }}"
    api.tokens["kim"] = token(api, "kim", "ranking", roles="approver")
    assert codes((await api.ask("kim", remove, input=given))["removeAlias"]) == ["CONFLICT"]
    assert (await aliases(api, "eli", "over"))["aliases"] == [exists(2, "over")]
    assert await api.ask("eli", remove, input=given) == {"removeAlias": {"changed": True, "errors": []}}
    assert (await aliases(api, "eli", "over"))["aliases"] == []
    change = (await history(api, "eli", model("over")))[0]
    assert (change["action"], [each["after"] for each in change["fields"]]) == ("ALIAS_SET", [None])
    assert await revert(api, "eli", change["id"]) == {"changed": True, "errors": []}
    assert (await aliases(api, "eli", "over"))["aliases"] == [exists(2, "over")]


async def test_moves_of_an_alias_can_be_reverted(api: Api) -> None:
    """Reverting a move moves back, reverting the revert moves again, and reverting the first move removes the alias."""
    await register(api, "back")
    await set_alias(api, "eli", "back", 1)
    await set_alias(api, "eli", "back", 2)
    newest, oldest = [each["id"] for each in (await history(api, "eli", model("back")))[:2]]
    assert codes(await revert(api, "eli", oldest)) == ["CONFLICT"]
    assert codes(await revert(api, "ada", newest)) == ["DENIED"]
    assert await revert(api, "eli", newest) == {"changed": True, "errors": []}
    assert (await aliases(api, "eli", "back"))["aliases"] == [exists(1, "back")]
    undone = (await history(api, "eli", model("back")))[0]
    assert undone["action"] == "REVERTED"
    assert await revert(api, "eli", undone["id"]) == {"changed": True, "errors": []}
    assert (await aliases(api, "eli", "back"))["aliases"] == [exists(2, "back")]
    await set_alias(api, "eli", "back", 1)
    assert (await revert(api, "eli", oldest))["changed"]
    assert await aliases(api, "eli", "back") == {"revision": 7, "aliases": [], "version": None}


async def test_a_revert_must_pass_the_gate_and_discloses_no_hidden_version(api: Api) -> None:
    """A protected alias reverts only to a version that passes its gate, and never to a hidden version."""
    await register(api, "return", 1, 2, riskTier="MEDIUM")
    await approve(api, "eli", version("return", 2))
    await set_alias(api, "eli", "return", 1)
    await set_alias(api, "eli", "return", 2, protected=True)
    change = (await history(api, "eli", model("return")))[0]["id"]
    blocked = await revert(api, "eli", change)
    assert (codes(blocked), blocked["errors"][0]["inputPath"]) == (["GATE_BLOCKED"], ["change"])
    await hide(api, "return", 1)
    refused = await revert(api, "eli", change)
    assert codes(refused) == ["INVALID"]
    assert version("return", 1) not in refused["errors"][0]["message"]


async def test_a_move_to_a_hidden_version_is_a_removal_in_the_history(api: Api) -> None:
    """Where a version is hidden from a reader, the history has no alias, as the field `aliases` has none."""
    await register(api, "departed", 1, 2, 3)
    await moved(api, "departed", 1, 2, 3)
    await hide(api, "departed", 2)
    texts = [f'{{"version":"{version("departed", number)}","protected":false}}' for number in (1, 2, 3)]
    steps: dict[str, list[tuple[int | None, int | None]]] = {
        "root": [(None, 0), (0, 1), (1, 2)],
        "eli": [(None, 0), (0, None), (None, 2)],
    }
    for who, expected in steps.items():
        changes = [
            each["fields"] for each in await history(api, who, model("departed")) if each["action"] == "ALIAS_SET"
        ]
        found = [(field["before"], field["after"]) for fields in changes[::-1] for field in fields]
        assert found == [tuple(None if each is None else texts[each] for each in step) for step in expected]


async def moved(api: Api, name: str, *steps: int | str) -> list[str]:
    """Point an alias at versions in turn, or revert its change of that number; return the instant of each change."""
    for step in steps:
        if isinstance(step, str):
            changes = (await history(api, "root", model(name)))[::-1]
            assert (await revert(api, "eli", changes[int(step)]["id"]))["changed"]
        else:
            assert codes(await set_alias(api, "eli", name, step)) == []
    return [each["at"] for each in (await history(api, "root", model(name)))[::-1]]


def before(instant: str) -> str:
    """Return the instant one millisecond before."""
    moment = datetime.fromisoformat(instant) - timedelta(milliseconds=1)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def test_the_version_of_an_alias_at_an_instant(api: Api) -> None:
    """At each instant an alias has the version of its last move or revert; before the first it has none."""
    await register(api, "then", 1, 2, 3)
    registered, *instants = await moved(api, "then", 1, 3, 2, "3")
    await set_alias(api, "eli", "then", 1, alias="other")
    numbers = [None, 1, 3, 2]
    for number, instant in zip(numbers, instants, strict=True):
        assert await served(api, "bo", "then", before(instant)) == (number and version("then", number))
    assert await served(api, "bo", "then", instants[-1]) == version("then", 3)
    query = """query ($id: ID!, $now: DateTime!, $then: DateTime) { asset(id: $id, asOf: $now) { ... on Model {
      now: version(alias: "champion") { id } then: version(alias: "champion", asOf: $then) { id } } } }"""
    found = await api.ask("bo", query, id=model("then"), now=before(instants[3]), then=before(instants[2]))
    assert found["asset"] == {"now": {"id": version("then", 2)}, "then": {"id": version("then", 3)}}
    first, after = before(instants[1]), instants[1]
    refused = await api.send("bo", query, id=model("then"), now=first, then=after)
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["INVALID"]
    assert registered < instants[0]


async def test_a_past_version_that_was_deleted_since(api: Api) -> None:
    """A version that was deleted is returned for the instants until its deletion, and by its alias no more."""
    await register(api, "fallen")
    _, first, second = await moved(api, "fallen", 1, 2)
    assert (await api.ask("root", DELETE, input={"asset": version("fallen", 1)}))["deleteAsset"]["changed"]
    assert await served(api, "bo", "fallen", before(second)) == version("fallen", 1)
    assert await served(api, "bo", "fallen", second) == version("fallen", 2)
    assert await served(api, "bo", "fallen", before(first)) is None


@observes_one_process
async def test_a_past_alias_of_a_hidden_version(api: Api) -> None:
    """While an alias pointed at a hidden version it has none, by as many requests as an alias that was never set."""
    for name in ("veiled", "unset"):
        await register(api, name, 1, 2, 3)
    _, *instants = await moved(api, "veiled", 2, 1, 3, 1, 2)
    for hidden in (1, 3):
        await hide(api, "veiled", hidden)
    numbers = [None, 2, 1, 3, 1]
    for number, instant in zip(numbers, instants, strict=True):
        assert await served(api, "root", "veiled", before(instant)) == (number and version("veiled", number))
        found = await served(api, "eli", "veiled", before(instant))
        assert found == (version("veiled", 2) if number == 2 else None)
    texts = []
    for name in ("veiled", "unset"):
        with api.without_cache(), received_rows(api.client) as rows:
            assert await served(api, "eli", name, before(instants[-1])) is None
        texts.append(rows.texts)
    assert texts[0] == texts[1]


@observes_one_process
async def test_past_versions_of_many_models_are_read_together(api: Api) -> None:
    """The number of store requests for the past of an alias does not grow with the number of models."""
    for name in ("one", "two", "three"):
        await register(api, name)
        await set_alias(api, "eli", name, 2)
    query = """query ($n: Int!, $t: DateTime!) { assets(first: $n, filter: {kinds: [MODEL], name: {in: [%s]}}) { nodes {
      ... on Model { name version(alias: "champion", asOf: $t) { id } } } } }"""
    query %= ", ".join(f'"{name}"' for name in ("one", "two", "three"))
    instant = (await history(api, "root", model("three")))[0]["at"]
    await api.wait_for_jobs()
    counts = []
    for number in (1, 3):
        with received_rows(api.client) as rows:
            found = (await api.ask("bo", query, n=number, t=instant))["assets"]["nodes"]
        assert [each["version"]["id"] for each in found] == [version(each["name"], 2) for each in found]
        counts.append((len(found), len(rows.texts)))
    assert counts == [(1, counts[0][1]), (3, counts[0][1])]
