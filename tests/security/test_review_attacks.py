"""Attacks that once worked: filters that stop the store, rights over assets of others, names of hidden assets."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from support.servers.in_process import Api
from support.stores.observed_requests import ObservedRequests

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona
from app.graph.reading.level.level_batcher import LevelBatcher, LevelRequest
from app.graph.reading.level.level_statement import LEVEL
from app.graph.records.read_time import ReadTime

ADS = "mlg://team/catalog/default/ads"
RANKING = "mlg://team/catalog/default/ranking"
MODEL = "mlg://model/test/default/theirs"
VERSION = "mlg://model-version/test/default/theirs@1"
HIDDEN_MODEL = "mlg://model/test/default/hidden-model"
HIDDEN = "mlg://dataset/test/default/hidden-source"
HIDDEN_RUN = "mlg://run/test/default/hidden-run"
OPEN, FED = "mlg://dataset/test/default/open", "mlg://dataset/test/default/fed"
DOMAIN = "mlg://domain/catalog/default/advertising"
FILTER = "query ($f: AssetFilter) { assets(filter: $f) { totalCount nodes { id } } }"


def _items() -> list[dict[str, Any]]:
    ads: dict[str, Any] = {"owners": [{"owner": ADS}]}
    secret = {**ads, "visibility": "TEAM"}
    columns = [
        {"dataset": HIDDEN, "column": "canary-column-41"},
        {"dataset": FED, "column": "shown"},
    ]
    return [
        {"team": {"name": "ads"}},
        {"team": {"name": "ranking"}},
        {"domain": {"name": "advertising", **ads}},
        {"model": {"id": MODEL, **ads}},
        {"modelVersion": {"id": VERSION}},
        {"model": {"id": HIDDEN_MODEL, **secret}},
        {"dataset": {"id": HIDDEN, **secret}},
        {"run": {"id": HIDDEN_RUN, "state": "COMPLETE", **secret}},
        {"dataset": {"id": FED}},
        {"dataset": {"id": OPEN, "columns": [{"name": "a", "derivedFrom": columns}]}},
        {"link": {"relation": "DERIVES", "from": FED, "to": OPEN, "runId": HIDDEN_RUN}},
    ]


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over assets of team ads, some of them hidden."""
    await api.load(*_items())
    return api


async def _outcome(api: Api, who: str, item: dict[str, Any]) -> str:
    payload = await api.register(who, item)
    return str(payload["results"][0]["outcome"])


@pytest.mark.parametrize(
    "text",
    [{"contains": "a" * 101}, {"prefix": "a" * 1_025}, {"eq": "a" * 1_025}, {"in": ["a" * 1_025]}],
    ids=["contains", "prefix", "eq", "in"],
)
async def test_long_texts_never_reach_the_index(api: Api, text: dict[str, Any]) -> None:
    """A text too long for the index is rejected as INVALID at every place of a filter."""
    response = await api.send("bo", FILTER, f={"not": {"or": [{"and": [{"namespace": text}]}]}})
    assert response["errors"][0]["extensions"]["code"] == "INVALID"


@pytest.mark.parametrize("text", ["a" * 100, ".*" * 50, "ab" * 50, "\U0010ffff" * 100, "\\Q\\E" * 25])
async def test_the_longest_part_is_answered(api: Api, text: str) -> None:
    """The index evaluates a `contains` of the greatest permitted length, whatever characters it holds."""
    assert (await api.ask("bo", FILTER, f={"name": {"contains": text}}))["assets"]["totalCount"] == 0


NAMED = {f"n{number}": {"name": {"contains": f"{number}"}} for number in range(99)}
PAGES = " ".join(f"{name}: assets(filter: ${name}) {{ totalCount nodes {{ id }} }}" for name in [*NAMED][:11])
OWNED = """query ($f: AssetFilter) { teams(first: 2) { nodes { a: assets(filter: $f, first: 1) { nodes { id } } } } }"""
WORDS = [f"{letter}brauchtwagenpreis" for letter in "abcdefghijklmn"]
SEARCHES = " ".join(
    f's{at}: search(text: "{" ".join(WORDS[at : at + 10])}") {{ hits {{ totalCount }} directory {{ totalCount }} }}'
    for at in range(4)
)
"""Four searches for ten words each, of assets and of the directory: eighty words with typing errors."""
SUBSTRINGS: dict[str, tuple[str, dict[str, Any], int]] = {
    "in one filter": (FILTER, {"f": {"and": [*NAMED.values()]}}, 0),
    "in alternatives that multiply": (
        FILTER,
        {"f": {"or": [{"ids": [f"mlg://dataset/a/b/{name}"], **each} for name, each in [*NAMED.items()][:4]]}},
        0,
    ),
    "under many aliases": (
        f"query ({', '.join(f'${name}: AssetFilter' for name in [*NAMED][:11])}) {{ {PAGES} }}",
        dict([*NAMED.items()][:11]),
        0,
    ),
    "for each object of a list": (OWNED, {"f": {"and": [*NAMED.values()][:11]}}, 1),
    "in words with typing errors": (f"{{ {SEARCHES} }}", {}, 0),
}


@pytest.mark.parametrize("attack", SUBSTRINGS)
async def test_many_substrings_never_reach_the_index(api: Api, attack: str) -> None:
    """An operation searches for at most 20 substrings, however they come together; 99 kept a store busy for 59 s."""
    query, variables, before = SUBSTRINGS[attack]
    requests = ObservedRequests()
    api.client.observers.append(requests)
    try:
        response = await api.send("bo", query, **variables)
    finally:
        api.client.observers.remove(requests)
    error = response["errors"][0]
    assert (error["extensions"]["code"], error["extensions"]["limit"]) == ("LIMIT_EXCEEDED", "substrings")
    assert "Use `search`" in error["message"]
    assert sum(report.prepared is LEVEL for report in requests.reports) <= before


async def test_three_searches_for_ten_words_are_answered(api: Api) -> None:
    """Three long texts in assets and in the directory are within the limit: a page has one of them."""
    three = SEARCHES.partition("s3:")[0]
    found = await api.ask("bo", f"{{ {three} }}")
    assert [each["directory"]["totalCount"] for each in found.values()] == [0, 0, 0]


async def test_ten_substrings_with_a_total_are_searched(api: Api) -> None:
    """Ten are found and counted: the limit is beyond what an interface sends."""
    wanted = {"and": [{"name": {"contains": text}} for text in ("t", "h", "e", "i", "r", "s", "th", "he", "ei", "ir")]}
    assert (await api.ask("bo", FILTER, f=wanted))["assets"]["totalCount"] == 2  # the model and its version


@pytest.mark.parametrize("last", ["\U0010ffff", "\ud7ff"], ids=["last character", "before the surrogates"])
async def test_prefixes_at_the_edges_of_unicode(api: Api, last: str) -> None:
    """A negated prefix that ends in an extreme character matches every row, because no name begins with it."""
    everything = await api.ask("bo", FILTER, f={})
    for prefix in (last, f"theirs{last}"):
        response = await asyncio.wait_for(api.ask("bo", FILTER, f={"not": {"name": {"prefix": prefix}}}), 30)
        assert response == everything


async def test_a_defect_reaches_the_waiting_loader(api: Api) -> None:
    """A request that fails before it is sent raises its error; earlier, the request and the shutdown waited forever."""
    coalescer = LevelBatcher(api.client, "default", ReadTime(0))
    with pytest.raises(TypeError):
        await asyncio.wait_for(
            coalescer.fetch(LevelRequest(listings=[{"f": [[[("prefix", "name", "\ud800")]]], "t": [], "b": []}])), 10
        )


async def test_no_caller_adds_versions_to_the_model_of_others(api: Api) -> None:
    """Owning a new version does not change the latest version of a model; only the model's team decides on it."""
    latest = f'{{ asset(id: "{MODEL}") {{ ... on Model {{ latestVersion {{ id }} versions {{ totalCount }} }} }} }}'
    before = await api.ask("root", latest)
    mine = [{"owner": RANKING}]
    for urn in (f"{VERSION}-mine", VERSION.replace("theirs", "hidden-model")):
        assert await _outcome(api, "ada", {"modelVersion": {"id": urn, "owners": mine}}) == "DENIED"
    assert await api.ask("root", latest) == before
    free = "mlg://model-version/test/default/nobodys@1"
    assert await _outcome(api, "ada", {"modelVersion": {"id": free, "owners": mine}}) == "CREATED"


async def test_a_reference_makes_no_latest_version(api: Api) -> None:
    """A version that is only referenced does not become the latest of a model, and no other caller can register it."""
    stub = f"{VERSION}.9-stub"
    mine = {"owners": [{"owner": RANKING}]}
    evaluation = {"id": "mlg://evaluation/test/default/e", "modelVersion": stub, **mine}
    assert await _outcome(api, "ada", {"evaluation": evaluation}) == "CREATED"
    found = await api.ask("ada", f'{{ asset(id: "{MODEL}") {{ ... on Model {{ latestVersion {{ id }} }} }} }}')
    assert found["asset"]["latestVersion"]["id"] == VERSION
    assert await _outcome(api, "ada", {"modelVersion": {"id": stub, **mine}}) == "DENIED"


async def test_a_reference_discloses_nothing_of_a_hidden_parent(api: Api) -> None:
    """A made-up version of a hidden model discloses neither itself nor the team that owns the model."""
    stub = f"{HIDDEN_MODEL.replace('/model/', '/model-version/')}@made-up"
    evaluation = {"id": "mlg://evaluation/test/default/f", "modelVersion": stub, "owners": [{"owner": RANKING}]}
    assert await _outcome(api, "ada", {"evaluation": evaluation}) == "CREATED"
    found = await api.ask("ada", f'{{ asset(id: "{stub}") {{ id ownerTeam {{ id }} }} }}')
    assert found["asset"] is None


async def test_the_owners_of_a_domain_are_its_own(api: Api) -> None:
    """A domain passes its owners on to its assets, so only the team that owns the domain may change it."""
    taken = {"domain": {"id": DOMAIN, "name": "advertising", "owners": [{"owner": RANKING}], "dryRun": True}}
    assert await _outcome(api, "ada", taken) == "DENIED"
    assert await _outcome(api, "root", taken) == "UPDATED"


async def test_visible_assets_do_not_name_hidden_ones(api: Api) -> None:
    """The columns of a hidden dataset and the id of a hidden run do not occur in visible assets."""
    query = f"""{{ asset(id: "{OPEN}") {{ upstream {{ nodes {{ relation runId }} }}
        ... on Dataset {{ columns {{ name derivedFrom {{ column dataset {{ id }} }} }} }} }} }}"""
    assert {"canary-column-41", HIDDEN_RUN} <= set(str(await api.ask("root", query)).split("'"))
    observed = await api.ask("ada", query)
    assert observed["asset"]["upstream"]["nodes"] == [{"relation": "DERIVES", "runId": None}]
    assert observed["asset"]["columns"][0]["derivedFrom"] == [{"column": "shown", "dataset": {"id": FED}}]


async def test_no_caller_raises_assets_of_others(api: Api) -> None:
    """A restricted run that declares the data of another team as its output hides that data from no caller."""
    theirs, hidden = "mlg://dataset/test/default/produced", "mlg://dataset/test/default/produced-hidden"
    owned = {"owners": [{"owner": ADS}]}
    await api.load({"dataset": {"id": theirs, **owned}}, {"dataset": {"id": hidden, "visibility": "TEAM", **owned}})
    run = {"state": "COMPLETE", "sensitivity": "RESTRICTED", "owners": [{"owner": RANKING}]}
    for number, (made, outcome) in enumerate(((theirs, "DENIED"), (hidden, "CREATED"))):
        item = {"run": {"id": f"mlg://run/test/default/raising-{number}", "outputs": [made], **run}}
        assert await _outcome(api, "ada", item) == outcome
        found = await api.ask("root", f'{{ asset(id: "{made}") {{ sensitivity upstream {{ totalCount }} }} }}')
        assert found["asset"] == {"sensitivity": "INTERNAL", "upstream": {"totalCount": 0}}


async def test_no_caller_registers_features_of_the_set_of_others(api: Api) -> None:
    """A feature that a team has only named in its set can be registered by that team alone, whatever owner is given."""
    feature = "mlg://feature/test/default/named"
    members = {"id": "mlg://feature-set/test/default/set", "features": [feature], "owners": [{"owner": ADS}]}
    await api.load({"featureSet": members})
    assert await _outcome(api, "ada", {"feature": {"id": feature, "owners": [{"owner": RANKING}]}}) == "DENIED"
    found = await api.ask("root", f'{{ asset(id: "{feature}") {{ hydration ownerTeam {{ id }} }} }}')
    assert found["asset"] == {"hydration": "STUB", "ownerTeam": {"id": ADS}}


async def test_no_caller_adds_to_a_hidden_set(api: Api) -> None:
    """A restricted feature that names a hidden set does not join it. Assets fed by the set stay as open as before."""
    hidden, fed = "mlg://feature-set/test/default/hidden-set", "mlg://model-version/test/default/theirs@fed"
    await api.load(
        {"featureSet": {"id": hidden, "visibility": "TEAM", "owners": [{"owner": ADS}]}},
        {"modelVersion": {"id": fed}},
        {"link": {"relation": "FEEDS", "from": hidden, "to": fed}},
    )
    mine: dict[str, Any] = {"owners": [{"owner": RANKING}]}
    restricted = {"id": "mlg://feature/test/default/adding", "sensitivity": "RESTRICTED", **mine}
    version = {"id": "mlg://dataset-version/test/default/adding@1", "producedBy": HIDDEN_RUN, **mine}
    assert await _outcome(api, "ada", {"feature": {"featureSet": hidden, **restricted}}) == "CREATED"
    assert await _outcome(api, "ada", {"datasetVersion": version}) == "CREATED"
    found = await api.ask(
        "root",
        f"""{{ fed: asset(id: "{fed}") {{ sensitivity }}
        set: asset(id: "{hidden}") {{ ... on FeatureSet {{ features {{ totalCount }} }} }}
        run: asset(id: "{HIDDEN_RUN}") {{ ... on Run {{ outputs {{ totalCount }} }} }} }}""",
    )
    assert found == {
        "fed": {"sensitivity": "INTERNAL"},
        "set": {"features": {"totalCount": 0}},
        "run": {"outputs": {"totalCount": 0}},
    }


async def test_no_caller_adds_runs_to_the_workflow_of_others(api: Api) -> None:
    """Owning a run does not make it the latest run of another team's workflow, hidden or visible."""
    run = {"state": "FAIL", "startedAt": "2099-01-01T00:00:00Z", "owners": [{"owner": RANKING}]}
    for visibility, outcome in (("ORG", "DENIED"), ("TEAM", "CREATED")):
        flow = f"mlg://workflow/test/default/theirs-{visibility.lower()}"
        await api.load({"workflow": {"id": flow, "visibility": visibility, "owners": [{"owner": ADS}]}})
        item = {"run": {"id": f"mlg://run/test/default/late-{visibility.lower()}", "workflow": flow, **run}}
        assert await _outcome(api, "ada", item) == outcome
        found = await api.ask("root", f'{{ asset(id: "{flow}") {{ ... on Workflow {{ latestRun {{ id }} }} }} }}')
        assert found["asset"]["latestRun"] is None


async def test_registering_a_stub_ignores_edges_from_hidden_assets(api: Api) -> None:
    """An edge from a hidden asset to a stub never raises the asset that a team later registers in its place."""
    bad, target = "mlg://dataset/test/default/bad-source", "mlg://dataset/test/default/completed-later"
    mine: dict[str, Any] = {"owners": [{"owner": RANKING}], "visibility": "TEAM"}
    await api.load({"dataset": {"id": bad, **mine}}, {"link": {"relation": "DERIVES", "from": bad, "to": target}})
    olaf = replace(persona("ada"), name="olaf", groups=("ads",))
    api.tokens["olaf"] = DevIssuer(api.process.settings).mint(olaf)
    assert await _outcome(api, "olaf", {"dataset": {"id": target, "owners": [{"owner": ADS}]}}) == "CREATED"
    assert await _outcome(api, "ada", {"dataset": {"id": bad, "sensitivity": "RESTRICTED"}}) == "UPDATED"
    found = await api.ask("root", f'{{ asset(id: "{target}") {{ sensitivity upstream {{ totalCount }} }} }}')
    assert found["asset"] == {"sensitivity": "INTERNAL", "upstream": {"totalCount": 0}}


async def test_registering_a_stub_between_assets_of_others_lowers_nothing(api: Api) -> None:
    """What is derived from restricted data over a stub stays restricted if a stranger registers the stub.

    The stranger may read what he registered, and for others it stays as sensitive as its source.
    """
    source, stub, derived = (f"mlg://dataset/test/default/between-{name}" for name in ("source", "stub", "derived"))
    mine: dict[str, Any] = {"owners": [{"owner": RANKING}]}
    await api.load(
        {"dataset": {"id": source, "sensitivity": "RESTRICTED", **mine}},
        {"link": {"relation": "DERIVES", "from": source, "to": stub}},
        {"dataset": {"id": derived, "derivedFrom": [stub], **mine}},
    )
    olaf = replace(persona("ada"), name="olaf", groups=("ads",))
    api.tokens["olaf"] = DevIssuer(api.process.settings).mint(olaf)
    text = f'{{ stub: asset(id: "{stub}") {{ sensitivity }} derived: asset(id: "{derived}") {{ sensitivity }} }}'
    restricted = {"sensitivity": "RESTRICTED"}
    assert await api.ask("olaf", text) == {"stub": None, "derived": None}
    assert await _outcome(api, "olaf", {"dataset": {"id": stub, "owners": [{"owner": ADS}]}}) == "CREATED"
    await api.wait_for_jobs()
    assert await api.ask("root", text) == {"stub": restricted, "derived": restricted}
    assert await api.ask("olaf", text) == {"stub": restricted, "derived": None}
    assert (await api.ask("ada", text))["stub"] is None


async def test_references_to_hidden_assets_are_logged(api: Api) -> None:
    """Deriving from hidden ids, to infer them from the own sensitivity, is recorded in the access log."""
    path = api.process.settings.data_dir / "access.jsonl"
    guess = {"dataset": {"id": "mlg://dataset/test/default/feeling", "derivedFrom": [HIDDEN, OPEN]}}
    assert await _outcome(api, "ada", guess) == "CREATED"
    line = json.loads(path.read_text().splitlines()[-1])
    assert (line["event"], line["subject"], line["ids"]) == ("hidden", "ada", [HIDDEN])


async def test_registration_cannot_retire_without_the_right(api: Api) -> None:
    """A pipeline cannot retire an asset by registration without the right to retire.

    It may deprecate and re-register.
    """
    mine = {"id": "mlg://dataset/test/default/retiring", "owners": [{"owner": RANKING}]}
    for stage, outcome in (("ACTIVE", "CREATED"), ("DEPRECATED", "UPDATED"), ("RETIRED", "DENIED")):
        assert await _outcome(api, "ci-ranking", {"dataset": {**mine, "stage": stage}}) == outcome
    assert await _outcome(api, "ada", {"dataset": {**mine, "stage": "RETIRED"}}) == "UPDATED"
