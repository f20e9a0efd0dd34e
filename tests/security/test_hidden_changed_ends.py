"""A link whose changed end is hidden: answered like one to an absent id, stored without effect, ended by its author."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.documents.id_inputs import EDGE
from support.estates.leak_catalogue import token
from support.servers.in_process import Api, no_jobs, open_api
from support.stores.janusgraph import StoreGraph
from support.stores.received_rows import received_rows

from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import CHILD_HOPS, RELATIONS
from graphql_schema.catalog.urn import make_urn, version_urn

ADS, RANKING = ({"owner": f"mlg://team/catalog/default/{name}"} for name in ("ads", "ranking"))
SHOWN = f"{EDGE} errors {{ code message inputPath currentRevision }}"
LINK, UNLINK = (
    f"mutation ($input: {name.title()}Input!) {{ done: {name}(input: $input) {{ {SHOWN} }} }}"
    for name in ("link", "unlink")
)
LINKED = [each for each in RELATIONS.values() if each.description]
OWN_RECORDS = 12
"""Values that the store may return for a hidden id more than for an absent one: its record, and that of its parent."""

PAIRS = [(each.name, *ends) for each in LINKED for ends in sorted(each.ends)]
ALWAYS_SHOWN = {"User": "mlg://user/catalog/default/mal", "Domain": "mlg://domain/catalog/default/mine"}


def _samples() -> list[tuple[str, str, str, str]]:
    """Return pairs of kinds for each relation, each with the end that may be hidden.

    Of each relation these are a pair of equal kinds and one of others, and one that begins at a parent.
    """
    chosen = {(name, a == b, a in CHILD_HOPS): (name, a, b) for name, a, b in PAIRS}
    return [
        (*pair, far)
        for pair in sorted(chosen.values())
        for far, kind in zip(("from", "to"), pair[1:], strict=True)
        if kind not in ALWAYS_SHOWN
    ]


SAMPLES = _samples()
TO_WITHHELD = ("PRODUCES", "Run", "Dataset", "from")
"""A link that also changes an asset of others: a dataset that mal raised, by which it became hidden from mal."""


def named(kind: str, name: str) -> str:
    """Return the id of an asset; that of a version is its first."""
    if kind in ALWAYS_SHOWN:
        return ALWAYS_SHOWN[kind]
    return make_urn(KINDS[kind].slug, "test", "", name, "1" if KINDS[kind].versioned else None)


def item(kind: str, name: str, **values: Any) -> dict[str, Any]:
    """Return an item that registers an asset."""
    field = f"{kind[0].lower()}{kind[1:]}"
    needed = {
        "Run": {"state": "COMPLETE"},
        "Evaluation": {"verdict": "PASS", "modelVersion": named("ModelVersion", "tested")},
        "ExperimentCell": {"experiment": named("Experiment", "tested")},
    }.get(kind, {})
    return {field: {"id": named(kind, name), **needed, **values}}


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API with two teams, and mal, an engineer of one of them."""
    await _load_teams(api)
    return api


@pytest.fixture(scope="module")
async def joined(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Run an API without jobs, which send requests as well, over an asset of mal of each kind and two hidden ones.

    The hidden assets with the name ``linked`` are joined with those of mal by each relation. A dataset of others with
    the name ``withheld`` is hidden from mal by a raise that is not confirmed.
    """
    async with open_api(module_graph, tmp_path_factory.mktemp("keys"), no_jobs) as opened:
        await _load_teams(opened)
        await opened.load({"user": {"name": "mal"}}, {"domain": {"name": "mine"}})
        kinds = sorted({kind for _, *ends in PAIRS for kind in ends} - ALWAYS_SHOWN.keys())
        shut = {"owners": [RANKING], "visibility": "TEAM"}
        for name, values in (("mine", {"owners": [ADS]}), ("veiled", shut), ("linked", shut)):
            await opened.load(*(item(kind, name, **values) for kind in kinds))
        for kind in (kind for kind in kinds if KINDS[kind].versioned):
            mine = named(KINDS[kind].version_of or "", "mine")
            await opened.load(*(item(kind, each, id=version_urn(mine, each), **shut) for each in ("veiled", "linked")))
        raised = item("Dataset", "raised", owners=[ADS])
        await opened.load(
            raised, item("Dataset", "withheld", owners=[RANKING], derivedFrom=[named("Dataset", "raised")])
        )
        ends = [_ends(sample, "linked") for sample in SAMPLES]
        await opened.load(*({"link": given} for given in (*ends, _ends(TO_WITHHELD, "linked", "withheld"))))
        done = await opened.register("mal", item("Dataset", "raised", sensitivity="RESTRICTED"))
        assert done["failed"] == 0
        yield opened


async def _load_teams(api: Api) -> None:
    api.tokens["mal"] = token(api, "mal", "ads", roles="engineer")
    await api.load({"team": {"name": "ads"}}, {"team": {"name": "ranking"}})
    await api.load({"domain": {"name": "shop", "owners": [ADS]}})


def _ends(sample: tuple[str, str, str, str], hidden: str, near: str = "mine") -> dict[str, str]:
    """Return the input of a link between ``near``, an asset of mal by default, and ``hidden`` at the other end."""
    relation, source, target, far = sample
    names = {"from": near, "to": near, far: hidden}
    ends = {"from": named(source, names["from"]), "to": named(target, names["to"])}
    if relation == "VERSION_OF":  # the id of a version names its parent: a version of mine, or of a hidden parent
        ends["from"] = version_urn(ends["to"], hidden)
    return {"relation": relation, **ends}


async def _answers(api: Api, given: dict[str, str], name: str) -> list[Any]:
    """Return the responses to dry runs and links, each twice, with the texts and the size of the store's work."""
    found: list[Any] = []
    for dry_run in (True, True, False, False):
        with received_rows(api.client) as rows:
            answer = (await api.ask("mal", LINK, input={**given, "dryRun": dry_run}))["done"]
        if len(found) == 3:  # the stub of an absent id is visible once it is stored (docs/adr/0006)
            answer |= dict.fromkeys(("edge", "asset", "sensitivityBefore"))
        found.append((str(answer).replace(name, "<far>"), rows.texts, sum(rows.values)))
    return found


@pytest.mark.parametrize(("near", "sample"), [*(("mine", each) for each in SAMPLES), ("withheld", TO_WITHHELD)])
async def test_every_link_is_answered_alike(joined: Api, near: str, sample: tuple[str, str, str, str]) -> None:
    """Hidden, hidden with the edge stored, and absent: the same outcome, text and work, dry or not, and repeated."""
    absent = "-".join(("nothing", near, *sample)).lower()
    names = (absent, "veiled", "linked")
    found = [await _answers(joined, _ends(sample, name, near), name) for name in names]
    for number, other in enumerate(found[1:]):
        for step, ((answer, texts, size), (expected, same, most)) in enumerate(zip(other, found[0], strict=True)):
            assert (number, step, answer) == (number, step, expected)
            if step < 3:
                assert (number, step, texts) == (number, step, same)
            assert size <= most + OWN_RECORDS


STATE = """query ($id: ID!) { asset(id: $id) { sensitivity revision tags { mode }
  upstream { nodes { asset { id } } } ... on Feature { featureSet { id } } domain { id } } }"""


@pytest.mark.parametrize("stored", ["none", "current", "ended"])
async def test_an_unconfirmed_link_has_no_effect_until_the_owner_declares_it(api: Api, stored: str) -> None:
    """Whatever mal links to a hidden dataset, whether linked or not, it stays as it is; its owner confirms."""
    theirs, mine = named("Dataset", f"theirs-{stored}"), named("Dataset", f"source-{stored}")
    await api.load(
        item("Dataset", f"theirs-{stored}", owners=[RANKING], visibility="TEAM"),
        item("Dataset", f"source-{stored}", owners=[ADS], sensitivity="CONFIDENTIAL"),
    )
    given = {"relation": "DERIVES", "from": mine, "to": theirs}
    if stored != "none":
        await api.ask("root", LINK, input={**given, "confidence": 0.5, "declassify": False})
    if stored == "ended":
        await api.ask("root", UNLINK, input=given)
        await api.wait_for_jobs()
    before = (await api.ask("root", STATE, id=theirs))["asset"]
    for more in ({}, {"confidence": 0.25}, {"validTo": "2999-01-01T00:00:00Z"}):
        done = (await api.ask("mal", LINK, input={**given, **more}))["done"]
        assert (done["changed"], done["edge"], done["asset"], done["errors"]) == (True, None, None, [])
    assert (await api.ask("root", STATE, id=theirs))["asset"] == before
    ended = (await api.ask("mal", UNLINK, input=given))["done"]
    assert (ended["changed"], ended["errors"]) == (True, [])
    again = (await api.ask("mal", UNLINK, input=given))["done"]
    assert [error["code"] for error in again["errors"]] == ["NOT_FOUND"]
    assert (await api.ask("root", STATE, id=theirs))["asset"] == before
    await api.ask("mal", LINK, input=given)
    confirmed = (await api.ask("root", LINK, input=given))["done"]
    assert confirmed["errors"] == []
    after = (await api.ask("root", STATE, id=theirs))["asset"]
    assert (after["sensitivity"], after["upstream"]["nodes"]) == ("CONFIDENTIAL", [{"asset": {"id": mine}}])


LAST_CHANGE = "query ($subject: ID!) { changes(filter: {subjects: [$subject]}, first: 1) { nodes { id } } }"
REVERT = "mutation ($input: RevertChangeInput!) { done: revertChange(input: $input) { errors { code } } }"


@pytest.mark.parametrize("by", ["link", "registration", "revert"])
async def test_a_link_stays_as_its_author_left_it_when_others_open_the_edge_again(api: Api, by: str) -> None:
    """Repetition, end and second end have the responses of a link whose edge root has neither ended nor opened again.

    By a repetition that changed something, mal once learned that the edge had ended and begun again.
    """
    theirs, mine = f"opened-{by}", f"opener-{by}"
    await api.load(item("Dataset", theirs, owners=[RANKING], visibility="TEAM"), item("Dataset", mine, owners=[ADS]))
    given = {"relation": "DERIVES", "from": named("Dataset", mine), "to": named("Dataset", theirs)}

    async def done(who: str, mutation: str) -> tuple[bool, list[str]]:
        """Return whether a link or an unlink changed anything, and the codes of its errors."""
        found = (await api.ask(who, mutation, input=given))["done"]
        return found["changed"], [error["code"] for error in found["errors"]]

    assert await done("mal", LINK) == (True, [])
    assert [await done("root", mutation) for mutation in (LINK, UNLINK)] == [(True, [])] * 2
    if by == "link":
        assert await done("root", LINK) == (True, [])
    elif by == "registration":
        await api.load(item("Dataset", theirs, derivedFrom=[given["from"]]))
    else:
        (change,) = (await api.ask("root", LAST_CHANGE, subject=given["to"]))["changes"]["nodes"]
        assert await api.ask("root", REVERT, input={"change": change["id"]}) == {"done": {"errors": []}}
    repeated = [await done("mal", mutation) for mutation in (LINK, UNLINK, UNLINK)]
    assert repeated == [(False, []), (True, []), (False, ["NOT_FOUND"])]


async def test_no_link_moves_a_hidden_asset_into_a_domain(api: Api) -> None:
    """A link by mal, of the team that owns the domain, changes neither domain nor revision; root then sets it.

    The domain may own what has no owner.
    """
    domain, urn = "mlg://domain/catalog/default/shop", named("Dataset", "no-domain")
    await api.load(item("Dataset", "no-domain", owners=[RANKING], visibility="TEAM"))
    before = (await api.ask("root", STATE, id=urn))["asset"]
    given = {"relation": "CONTAINS", "from": domain, "to": urn}
    assert (await api.ask("mal", LINK, input=given))["done"]["errors"] == []
    assert (await api.ask("root", STATE, id=urn))["asset"] == before
    assert (await api.ask("root", LINK, input=given))["done"]["errors"] == []
    assert (await api.ask("root", STATE, id=urn))["asset"]["domain"] == {"id": domain}
