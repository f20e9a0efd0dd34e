"""Search: matches and their order, highlights, facets, exact counts, and visibility of hits."""

import re
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from support.servers.in_process import Api
from support.source_tree import read

from graphql_schema.catalog.urn import make_urn

QUERY = """query ($text: String!, $filter: AssetFilter, $facets: [Facet!], $first: Int, $after: Cursor) {
  search(text: $text, filter: $filter, facets: $facets, first: $first, after: $after) {
    hits { totalCount edges { cursor node { asset { id } highlights { field text } } }
           pageInfo { hasNextPage endCursor } }
    facets { facet values { value count } } } }"""
RANKING, ADS = (f"mlg://team/catalog/default/{name}" for name in ("ranking", "ads"))
GOLD, PII = (f"mlg://tag/catalog/default/{name}" for name in ("gold", "pii"))

CHINESE = "\u6bcf\u65e5\u8ba2\u5355\u660e\u7ec6\u6c47\u603b\u8868\u683c\u6570\u636e"
ARABIC = "\u0643\u0650\u062a\u064e\u0627\u0628"
"""A name of 12 ideographs, and one with vowel points."""

NAMED = {
    "churn": {},
    "churn_train": {"description": "Weekly rows for the subscriber models."},
    "ChurnScores": {},
    "daily.churn": {},
    "churned-users": {},
    "orders.daily": {"displayName": "Täglicher Auftrag"},
    "recommendations": {},
    "clicks": {"description": "Feeds churn, and orders."},
    "feature_42": {},
    "feature_43": {},
    "sales  50% off/new": {},
    ARABIC: {
        "description": "\u0939\u093f\u0928\u094d\u0926\u0940 \u0e1c\u0e39\u0e49\u0e43\u0e0a\u0e49\u0e07\u0e32\u0e19."
    },
    CHINESE: {},
}
CUT = "long_" * 200
SHOP = "mlg://{}/numbered/shop/{}"
RANKER = {number: SHOP.format("model-version", f"homepage-ranker@{number}") for number in ("2", "3", "30", "v4")}
CLICKS = {number: SHOP.format("dataset-version", f"click-log@{number}") for number in ("3", "1.2", "2024-05-01")}
MODEL, DATASET = SHOP.format("model", "homepage-ranker"), SHOP.format("dataset", "click-log")
PLAIN, LISTED = (SHOP.format("report", name) for name in ("homepage_3", "click_v3"))
NUMBERED = {
    **{urn: {} for urn in (MODEL, DATASET, PLAIN, LISTED, *RANKER.values(), *CLICKS.values())},
    SHOP.format("model", "ranker"): {"description": "Lists by version."},
}
VERSIONS = {
    "homepage ranker version 3": [RANKER["3"]],
    "homepage ranker v3": [RANKER["3"], RANKER["30"]],
    "homepage-ranker V3": [RANKER["3"], RANKER["30"]],
    "homepag rankr v3": [RANKER["3"], RANKER["30"]],
    "version 3 of homepage ranker": [RANKER["3"]],
    "version 3 of homepage rank": [RANKER["3"]],
    "homepage ranker version v3": [RANKER["3"]],
    "homepage ranker v4": [RANKER["v4"]],
    "homepage ranker version 4": [RANKER["v4"]],
    "click log version 1.2": [CLICKS["1.2"]],
    "click log v1.2": [CLICKS["1.2"]],
    "click log version 2024-05-01": [CLICKS["2024-05-01"]],
    "click version 3": [CLICKS["3"]],
    "click v3": [LISTED, CLICKS["3"]],
    "homepage ranker v5": [],
    "homepage ranker 3": [RANKER["3"], RANKER["30"]],
    "homepage 3": [PLAIN, RANKER["3"], RANKER["30"]],
    "ranker version": [SHOP.format("model", "ranker")],
    "v3": [LISTED, CLICKS["3"], RANKER["3"], RANKER["30"]],
    "version 3": [],
}
"""What each text finds. In the last five the number names no version: they keep the meaning that they had before."""
TYPED = {
    "churn": ["churn", "ChurnScores", "churn_train", "churned-users", "daily.churn", "clicks"],
    "CHURN": ["churn", "ChurnScores", "churn_train", "churned-users", "daily.churn", "clicks"],
    "chur": ["churn", "ChurnScores", "churn_train", "churned-users", "daily.churn", "clicks"],
    "churn tr": ["churn_train"],
    "train churn": ["churn_train"],
    "churn_train": ["churn_train"],
    "churnscores": ["ChurnScores"],
    "scores": ["ChurnScores"],
    "daily": ["daily.churn", "orders.daily"],
    "daily orders": ["orders.daily"],
    "taglicher": ["orders.daily"],
    "TÄGLICHER AUF": ["orders.daily"],
    "chrun": ["churn", "ChurnScores", "churn_train", "daily.churn"],
    "recomendatoins": ["recommendations"],
    "churn subscriber": ["churn_train"],
    "subscirber": [],
    "feature_42": ["feature_42"],
    "feature 4": ["feature_42", "feature_43"],
    "churn nowhere": [],
    "orders": ["orders.daily", "clicks"],
    "mlg://dataset/people/named/sales%20%2050%25%20off%2Fnew": ["sales  50% off/new"],
    "mlg://dataset/people/named/sales%20%2050%25": ["sales  50% off/new"],
    "mlg://dataset/people/named/churn": [
        "churn",
        "ChurnScores",
        "churn_train",
        "daily.churn",
        "churned-users",
        "clicks",
    ],
    CHINESE: [CHINESE],
    "\u0643\u062a\u0627\u0628": [ARABIC],
    "\u0939\u093f\u0928\u094d\u0926\u0940": [ARABIC],
    "\u0e1c\u0e39\u0e49\u0e43\u0e0a\u0e49": [ARABIC],
    CUT: [CUT],
    make_urn("dataset", "people", "named", CUT, None): [CUT],
}


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over the named assets, which have their own source and namespace, and the random estate."""
    await api.load(*({"dataset": {"id": _named(name), **more}} for name, more in NAMED.items()))
    await api.load({"dataset": {"source": "people", "namespace": "named", "name": CUT}})
    await api.load(*(asset.item for asset in ESTATE))
    await api.load(*({_item(urn): {"id": urn, **more}} for urn, more in NUMBERED.items()))
    return api


def _item(urn: str) -> str:
    """Return the name of the item that registers an asset: `modelVersion` for `mlg://model-version/…`."""
    return urn.split("/")[2].replace("-v", "V")


def _named(name: str) -> str:
    return make_urn("dataset", "people", "named", name, None)


async def _search(api: Api, who: str, text: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await api.ask(who, QUERY, text=text, **more))["search"]
    return found


def _ids(found: dict[str, Any]) -> list[str]:
    return [edge["node"]["asset"]["id"] for edge in found["hits"]["edges"]]


async def _all(api: Api, who: str, text: str, size: int, **more: Any) -> list[str]:
    """Return the ids of all hits, read page by page."""
    found, after = list[str](), None
    while True:
        page = await _search(api, who, text, first=size, after=after, **more)
        found += _ids(page)
        if not page["hits"]["pageInfo"]["hasNextPage"]:
            return found
        after = page["hits"]["pageInfo"]["endCursor"]


@pytest.mark.parametrize("text", TYPED)
async def test_hits_are_complete_and_ranked(api: Api, text: str) -> None:
    """Exact names come first, then prefixes, words, descriptions and typos; shorter names before longer ones."""
    found = await _search(api, "ada", text, filter={"source": {"eq": "people"}})
    assert _ids(found) == [_named(name) for name in TYPED[text]]
    assert found["hits"]["totalCount"] == len(TYPED[text])


@pytest.mark.parametrize("text", VERSIONS)
async def test_a_version_is_found_as_people_name_it(api: Api, text: str) -> None:
    """`version 3` and `v3` beside a name find this version first, and a plain number is a word like any other."""
    found = await _search(api, "ada", text, filter={"source": {"eq": "numbered"}})
    assert _ids(found) == VERSIONS[text]


async def test_an_asset_with_the_complete_name_precedes_the_version(api: Api) -> None:
    """A report that is named `homepage ranker version 3` is the first hit for its name, the version the second."""
    report = "mlg://report/titled/shop/homepage%20ranker%20version%203"
    await api.load({"report": {"id": report}})
    where = {"or": [{"source": {"eq": source}} for source in ("numbered", "titled")]}
    found = await _search(api, "ada", "homepage ranker version 3", filter=where)
    assert _ids(found) == [report, RANKER["3"]]
    assert found["hits"]["edges"][1]["node"]["highlights"] == [
        {"field": "displayName", "text": "**homepage**-**ranker** v3"},
        {"field": "name", "text": "**homepage**-**ranker**"},
        {"field": "version", "text": "**3**"},
    ]


async def test_matches_are_highlighted(api: Api) -> None:
    """The matching words are marked in their original spelling, in each field with a match."""
    found = await _search(api, "ada", "churn subscriber", filter={"namespace": {"eq": "named"}})
    (edge,) = found["hits"]["edges"]
    assert edge["node"]["highlights"] == [
        {"field": "displayName", "text": "**churn**_train"},
        {"field": "description", "text": "Weekly rows for the **subscriber** models."},
    ]


class Asset:
    """A random asset, composed of given words, so that the test needs no tokenizer."""

    WORDS = ("telemetry", "payroll", "fraud", "ranking", "session", "voucher")
    LABELS = ("OPEN", "SHUT")

    def __init__(self, dice: Random, number: int) -> None:
        self.kind = dice.choice(("dataset", "model", "service", "report"))
        self.named = dice.sample(self.WORDS, 2)
        self.reported = dice.sample(self.WORDS, 2) if dice.random() < 0.6 else []
        self.namespace = dice.choice(("north", "south"))
        self.team = dice.choice((RANKING, ADS, ""))
        self.tags = dice.choice(([], [GOLD], [GOLD, PII]))
        self.stage = dice.choice(("DRAFT", "ACTIVE", "ACTIVE", "RETIRED"))
        self.visibility = dice.choice(("ORG", "ORG", "TEAM"))
        self.sensitivity = dice.choice(("PUBLIC", "INTERNAL", "CONFIDENTIAL", "RESTRICTED"))
        name = dice.choice("_-.").join((*self.named, f"n{number}"))
        self.urn = make_urn(self.kind, "random", self.namespace, name, None)

    @property
    def item(self) -> dict[str, Any]:
        """The item that registers the asset."""
        values = {
            "id": self.urn,
            "stage": self.stage,
            "visibility": self.visibility,
            "sensitivity": self.sensitivity,
            "tags": self.tags,
            "owners": [{"owner": self.team}] if self.team else [],
            "description": f"{' and '.join(self.reported)}." if self.reported else None,
        }
        return {self.kind: values}

    def grade(self, who: str) -> str:
        """Return the access grade of a persona, derived by hand from policies/rows.cedar; empty if hidden."""
        if who in {"root", "cy"} or self.team == {"ada": RANKING, "bo": ADS}[who]:
            owns = True
        else:
            owns = False
            if self.visibility != "ORG" or self.sensitivity not in {"PUBLIC", "INTERNAL"}:
                return ""
        forbidden = self.sensitivity == "RESTRICTED" and who == "bo"
        return "READ" if (owns or self.stage != "DRAFT") and not forbidden else "DISCOVER"

    def has(self, word: str, who: str, *, last: bool) -> bool:
        """Return whether a word occurs in the fields readable by a persona.

        The last word may be a prefix, of four letters or more in the description.
        """
        shown, reported = [*self.named, self.namespace, "random"], self.reported if self.grade(who) == "READ" else []
        begun = [*shown, *(reported if len(word) >= 4 else [])]
        return word in [*shown, *reported] or (last and any(each.startswith(word) for each in begun))

    def values(self, facet: str, who: str) -> list[str]:
        """Return the values of a facet that are readable by a persona."""
        shown = {"KIND": [self.kind.upper()], "OWNER_TEAM": [self.team] if self.team else [], "SOURCE": ["random"]}
        if self.grade(who) == "READ":
            shown |= {"TAG": self.tags, "STAGE": [self.stage], "SENSITIVITY": [self.sensitivity]}
        return {**shown, "NAMESPACE": [self.namespace]}.get(facet, [])


DICE = Random(5)
ESTATE = [Asset(DICE, number) for number in range(240)]
FACETS = ("KIND", "OWNER_TEAM", "TAG", "STAGE", "SENSITIVITY", "SOURCE", "NAMESPACE")
TEXTS = (
    "fraud",
    "fraud rank",
    "payroll sou",
    "fra",
    "payroll north",
    "south sess",
    "random",
    "voucher telemetry fraud",
)
FILTERS: dict[str, tuple[Any, Any]] = {
    "all": ({}, lambda _asset, _who: True),
    "kind": ({"kinds": ["MODEL", "REPORT"]}, lambda asset, _: asset.kind in {"model", "report"}),
    "stage": ({"stages": ["ACTIVE"]}, lambda asset, who: "ACTIVE" in asset.values("STAGE", who)),
    "not tagged": ({"not": {"tags": [PII]}}, lambda asset, who: PII not in asset.values("TAG", who)),
    "either": (
        {"or": [{"ownerTeams": [ADS]}, {"sensitivities": ["PUBLIC"]}]},
        lambda asset, who: asset.team == ADS or "PUBLIC" in asset.values("SENSITIVITY", who),
    ),
}


def _expected(who: str, text: str, where: str) -> Iterator[Asset]:
    *before, last = text.split()
    for asset in ESTATE:
        found = all(asset.has(word, who, last=False) for word in before) and asset.has(last, who, last=True)
        if found and asset.grade(who) and FILTERS[where][1](asset, who):
            yield asset


@pytest.mark.parametrize("who", ["bo", "ada", "cy"])
async def test_hits_and_facets_contain_visible_values_only(api: Api, who: str) -> None:
    """For every text and filter, hits and counts equal those of a plain loop; masked words never match."""
    for text in TEXTS:
        for name, (where, _) in FILTERS.items():
            expected = [*_expected(who, text, name)]
            conditions = {"and": [where, {"source": {"eq": "random"}}]}
            found = await _search(api, who, text, filter=conditions, facets=FACETS, first=500)
            assert sorted(_ids(found)) == sorted(asset.urn for asset in expected), (text, name)
            assert found["hits"]["totalCount"] == len(expected)
            for facet in found["facets"]:
                counts = Counter(value for asset in expected for value in asset.values(facet["facet"], who))
                ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
                assert [(each["value"], each["count"]) for each in facet["values"]] == ordered, (text, name)


async def test_pages_concatenate(api: Api) -> None:
    """Pages of any size concatenate to the hits of one large page, in the same order."""
    complete = _ids(await _search(api, "bo", "fraud", first=500))
    assert len(complete) > 20
    for size in (1, 7):
        assert await _all(api, "bo", "fraud", size) == complete


async def test_a_search_is_one_request(api: Api) -> None:
    """Hits, highlights and three facets take one store request, and the owners of the hits one more."""
    more = {"text": "fraud", "facets": ["KIND", "TAG", "STAGE"], "first": 20}
    assert await api.count("ada", QUERY, **more) == 1
    nested = QUERY.replace("asset { id }", "asset { id ownerTeam { name } }")
    assert await api.count("ada", nested, **more) == 2


async def test_hits_over_the_ranking_limit(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over MAX_HITS the total is null, the best hits are returned, and facets count the ranked hits."""
    monkeypatch.setattr("app.graph.reading.search_reader.MAX_HITS", 5)
    found = await _search(api, "root", "fraud", facets=["SOURCE"], first=500)
    assert found["hits"]["totalCount"] is None
    assert [value["count"] for value in found["facets"][0]["values"]] == [5]
    best = await _search(api, "root", "churn", first=500)
    assert _ids(best)[:4] == [_named(name) for name in TYPED["churn"][:4]]
    complete = await _search(api, "root", "orders daily", first=500)
    assert (_ids(complete), complete["hits"]["totalCount"]) == ([_named("orders.daily")], 1)


WRITES = """mutation ($input: RegisterAssetsInput!) { registerAssets(input: $input) { failed } }"""


async def test_every_write_is_searchable_at_once(api: Api) -> None:
    """After each register, update, revert, delete and restore, search matches the current values only."""
    urn = make_urn("report", "people", "moving", "quarterly", None)

    async def found(text: str) -> bool:
        return urn in _ids(await _search(api, "root", text))

    async def register(**values: Any) -> None:
        await api.load({"report": {"id": urn, **values}})

    await register(displayName="Kestrel", description="Harrier.")
    assert [await found(text) for text in ("kestrel", "harrier", "quarterly")] == [True, True, True]
    await register(reportKind="NOTEBOOK")
    assert [await found(text) for text in ("kestrel", "harrier", "quarterly")] == [True, True, True]
    await register(displayName="Osprey", description=None)
    assert [await found(text) for text in ("kestrel", "harrier", "osprey", "quarterly")] == [False, False, True, True]
    query = "query ($id: ID!) { asset(id: $id) { history(first: 1) { nodes { id } } } }"
    (last,) = (await api.ask("root", query, id=urn))["asset"]["history"]["nodes"]
    revert = "mutation ($c: ID!) { revertChange(input: {change: $c}) { errors { message } } }"
    assert (await api.ask("root", revert, c=last["id"]))["revertChange"]["errors"] == []
    assert [await found(text) for text in ("kestrel", "harrier", "osprey")] == [True, True, False]
    for action, there in (("deleteAsset", False), ("restoreAsset", True)):
        mutation = f"mutation ($id: ID!) {{ {action}(input: {{asset: $id}}) {{ errors {{ message }} }} }}"
        assert (await api.ask("root", mutation, id=urn))[action]["errors"] == []
        assert await found("kestrel") is there


async def test_the_example_of_the_documentation_runs(api: Api) -> None:
    """Each query of docs/search.md runs without errors and returns facets."""
    queries = re.findall(r"(?ms)^```graphql\n(.*?)^```$", read("docs/search.md"))
    assert queries
    for query in queries:
        assert (await api.ask("ada", query))["search"]["facets"]


async def test_a_version_is_found_by_its_default_name(api: Api) -> None:
    """A version without a display name is shown and found as model and version; the model itself is the first hit."""
    model, version = "mlg://model/test/default/kingfisher", "mlg://model-version/test/default/kingfisher@7"
    await api.load({"modelVersion": {"id": version}}, {"model": {"id": model}})
    document = """query ($text: String!) { search(text: $text) {
      hits { nodes { asset { id displayName } highlights { field text } } } } }"""
    (hit,) = (await api.ask("ada", document, text="kingfisher v7"))["search"]["hits"]["nodes"]
    assert hit["asset"] == {"id": version, "displayName": "kingfisher v7"}
    assert hit["highlights"][0] == {"field": "displayName", "text": "**kingfisher** **v7**"}
    hits = (await api.ask("ada", document, text="kingfisher"))["search"]["hits"]["nodes"]
    assert [each["asset"]["id"] for each in hits] == [model, version]
