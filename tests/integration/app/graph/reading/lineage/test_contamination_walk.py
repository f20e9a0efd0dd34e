"""Contamination of random evaluations, compared with plain loops over the same values, for two callers.

Evaluations of many versions on much data, whose lineages meet in many sources, are compared within limits.
"""

import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from support.estates.owned_items import owned, urn
from support.estates.promotions import SET, VERSION
from support.servers.in_process import Api, observes_one_process, open_api
from support.stores.janusgraph import StoreGraph

from app.graph.reading.lineage import contamination_walk
from app.graph.reading.lineage.walk_budget import WalkLimits
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.turns.gradual_release import GradualRelease
from graphql_schema.rules.contamination_verdict import DataSources, Overlap, overlap
from policies.installation.gates import Gate, Gates, Needs

CONTAMINATION = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Evaluation { contamination { verdict
  sources { verdict training { id } evaluated { id } via { id } path { id } } completeness { state reason } } } } }"""
KINDS = ("dataset", "dataset-version", "model-version", "run", "evaluation", "feature", "dataset", "dataset-version")
DATA = "dataset dataset-version"
JOINS = {
    "DERIVES": (f"{DATA} feature", f"{DATA} feature"),
    "FEEDS": (f"{DATA} feature", "model-version model"),
    "BASE_OF": ("model-version", "model-version"),
    "INPUT_TO": (f"{DATA} feature model-version", "run"),
    "PRODUCES": ("run", f"{DATA} model-version evaluation"),
    "EVALUATED_BY": (DATA, "evaluation"),
}
TRAINING = {
    "FEEDS": f"{DATA} feature feature-set",
    "PRODUCES": "run",
    "INPUT_TO": f"{DATA} feature model-version",
    "DERIVES": f"{DATA} feature",
    "BASE_OF": "model model-version",
}
ORIGIN = {"PRODUCES": "run", "INPUT_TO": f"{DATA} feature", "DERIVES": f"{DATA} feature"}
MANY = 12
WIDE = [urn("evaluation", f"wide-{number}") for number in range(2)]
PARENTS = {"dataset-version": "dataset", "model-version": "model", "feature": "feature-set"}


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over an empty graph, with a gate that needs uncontaminated evaluations."""
    with pytest.MonkeyPatch.context() as patch:
        gates = Gates((Gate("clean", Needs(uncontaminated=True)),))
        patch.setattr("app.runtime.process.load_gates", lambda *_: gates)
        async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as opened:
            yield opened


@dataclass
class Found:
    """What one walk of the oracle found; ``missed`` if something next to it is hidden from the caller."""

    reached: set[str] = field(default_factory=set)
    data: set[str] = field(default_factory=set)
    missed: bool = False


@dataclass
class Estate:
    """Assets by id with kind, openness (open, draft or hidden) and parent; edges as (relation, source, target)."""

    kinds: dict[str, str] = field(default_factory=dict)
    access: dict[str, str] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    edges: set[tuple[str, str, str]] = field(default_factory=set)

    def group(self, each: str) -> Iterator[str]:
        """Yield the asset, its parent and its children."""
        yield each
        yield from (other for other in self.kinds if self.parents.get(other) == each or self.parents.get(each) == other)

    def joined(self, one: str, other: str) -> bool:
        """Return whether two assets may follow each other on a path."""
        edge = any({one, other} == {a, b} for _, a, b in self.edges)
        return edge or self.parents.get(one) == other or self.parents.get(other) == one

    def walk(self, root: str, over: dict[str, str], shown: dict[str, str]) -> Found:
        """Return what is upstream of a root over relations to kinds; ``shown`` has the openness for the caller."""
        found, front = Found({root}, set()), {root}
        for _ in range(11):
            arriving = set()
            for each in front:
                if shown[each] != "open":
                    found.missed = True
                    continue
                for member in self.group(each):
                    arriving |= self._from(each, member, over, shown, found)
            front = arriving - found.reached
            found.reached |= front
        found.data |= found.reached
        found.data = {each for each in found.data if self.kinds[each] in f"{DATA} feature feature-set".split()}
        return found

    def _from(self, each: str, member: str, over: dict[str, str], shown: dict[str, str], found: Found) -> set[str]:
        edges = [(name, a) for name, a, b in self.edges if b == member]
        parent = self.parents.get(each) == member and self.kinds[each] != "model-version"
        if shown[member] == "hidden":
            found.missed |= parent or bool(edges)
            return set()
        if parent:
            found.data.add(member)
        if shown[member] == "draft":
            found.missed |= bool(edges)
            return set()
        found.missed |= any(shown[a] == "hidden" for _, a in edges)
        led = {a for name, a in edges if self.kinds[a] in over.get(name, "").split() and shown[a] != "hidden"}
        if led:
            found.data.add(member)
        return led

    def expected(self, evaluation: str, *, everything: bool) -> tuple[str, dict[str, str], str]:
        """Return the verdict, the verdict of each contaminated data asset, and the state of completeness."""
        shown = dict.fromkeys(self.kinds, "open") if everything else self.access
        near = [(name, a) for name, a, b in self.edges if b == evaluation]
        missed = any(shown[a] == "hidden" for _, a in near)
        near = [(name, a) for name, a in near if shown[a] != "hidden"]
        declared = {a for name, a in near if name == "EVALUATED_BY" and self.kinds[a] in DATA.split()}
        trainings = [self.walk(a, TRAINING, shown) for _, a in near if self.kinds[a] == "model-version"]
        read: dict[str, set[str]] = {}
        for run in {a for name, a in near if name == "PRODUCES"}:
            inputs = {a for name, a, b in self.edges if name == "INPUT_TO" and b == run}
            missed |= shown[run] != "open" or any(shown[a] == "hidden" for a in inputs)
            for each in inputs if shown[run] == "open" else ():
                if self.kinds[each] in DATA.split() and shown[each] != "hidden" and each not in declared:
                    read.setdefault(each, set()).add(run)
        trained = set().union(*(each.reached for each in trainings))
        data = declared | {each for each, runs in read.items() if not runs <= trained}
        sources, origins = {}, [(each, self.walk(each, ORIGIN, shown)) for each in sorted(data)]
        for each, origin in origins:
            if any(each in training.reached for training in trainings):
                sources[each] = "DIRECT"
            elif any(origin.data & training.data for training in trainings):
                sources[each] = "DERIVED"
        missed |= any(each.missed for each in trainings) or any(origin.missed for _, origin in origins)
        known = trainings and origins and all(each.data for each in trainings) and not missed
        worst = min(sources.values(), key=["DIRECT", "DERIVED"].index, default="CLEAN" if known else "UNKNOWN")
        return worst, sources, "PARTIAL" if missed else "COMPLETE"


async def _laid(api: Api, random: Random, name: str) -> Estate:
    """Write a random estate through the API, and return it."""
    estate, items = Estate(), list[dict[str, Any]]()
    for number in range(20):
        _asset(estate, items, random, name, number)
    for _ in range(20):
        relation = random.choice([*JOINS])
        source, target = (random.choice(_of(estate, *side.split())) for side in JOINS[relation])
        if source != target and (relation, source, target) not in estate.edges:
            estate.edges.add((relation, source, target))
            items.append({"link": {"relation": relation, "from": source, "to": target}})
    await api.load(*items)
    return estate


def _of(estate: Estate, *kinds: str) -> list[str]:
    return [each for each, kind in estate.kinds.items() if kind in kinds]


def _asset(estate: Estate, items: list[dict[str, Any]], random: Random, name: str, number: int) -> None:
    """Add one asset of a random openness, with its parent and the version of an evaluation."""
    kind, called, parent, given = KINDS[number % len(KINDS)], f"{name}-{number}", "", dict[str, Any]()
    if kind == "dataset-version":
        parent = random.choice(_of(estate, "dataset")).rpartition("/")[2]
        called = f"{parent}@{number}"
    elif kind == "model-version":
        called, parent = f"{called}@1", called
    elif kind == "feature":
        parent, given = f"{name}-set", {"featureSet": f"mlg://feature-set/test/default/{name}-set"}
    elif kind == "run":
        given = {"state": "COMPLETE"}
    elif kind == "evaluation":
        given = {"modelVersion": random.choice(_of(estate, "model-version"))}
    access = "open" if kind == "evaluation" else random.choice(("open",) * 8 + ("draft", "hidden"))
    urn = _add(estate, items, kind, called, access, **given)
    if kind == "evaluation":
        estate.edges.add(("EVALUATED_BY", given["modelVersion"], urn))
    if parent:
        above = f"mlg://{PARENTS[kind]}/test/default/{parent}"
        if above not in estate.kinds:
            _add(estate, items, PARENTS[kind], parent, random.choice(("open", "open", "open", "hidden")))
        estate.parents[urn] = above


def _add(estate: Estate, items: list[dict[str, Any]], kind: str, called: str, access: str, **given: Any) -> str:
    stage, visibility = "DRAFT" if access == "draft" else "ACTIVE", "TEAM" if access == "hidden" else "ORG"
    item = owned(kind, called, visibility=visibility, stage=stage, **given)
    (values,) = item.values()
    estate.kinds[values["id"]], estate.access[values["id"]] = kind, access
    items.append(item)
    return str(values["id"])


def _checked(estate: Estate, evaluation: str, found: Any) -> tuple[str, dict[str, str], str]:
    """Return a result in the form of the oracle; every path must consist of edges and steps of asset groups."""
    for source in found["sources"]:
        path = [each["id"] for each in source["path"]]
        assert all(estate.joined(*pair) for pair in pairwise(path)), (evaluation, path)
        assert path[-1] == source["evaluated"]["id"]
        assert {source["via"]["id"], source["training"]["id"]} <= {*path}
        assert ("EVALUATED_BY", path[0], evaluation) in estate.edges
    sources = {source["evaluated"]["id"]: source["verdict"] for source in found["sources"]}
    return found["verdict"], sources, found["completeness"]["state"]


async def _filters_agree(api: Api, who: str, verdicts: dict[str, str]) -> None:
    """Compare the filter with the verdicts, page by page, and its negation."""
    query = """query ($ids: [ID!]!, $is: AssetFilter!, $after: Cursor) { assets(first: 1, after: $after,
      filter: {ids: $ids, and: [$is]}) { totalCount pageInfo { hasNextPage endCursor } nodes { id } } }"""
    contaminated = {each for each, verdict in verdicts.items() if verdict in {"DIRECT", "DERIVED"}}
    clean = {each for each, verdict in verdicts.items() if verdict == "CLEAN"}
    others = set(verdicts) - contaminated
    for where, wanted in (
        ({"contaminated": True}, contaminated),
        ({"contaminated": False}, clean),
        ({"not": {"contaminated": True}}, others),
    ):
        found, after = [], None
        while True:
            page = (await api.ask(who, query, ids=[*verdicts], **{"is": where}, after=after))["assets"]
            found += [each["id"] for each in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert (found, page["totalCount"]) == (sorted(wanted), len(wanted)), (who, where)


async def _gates_agree(api: Api, estate: Estate, verdicts: dict[str, str], who: str) -> None:
    """Compare the gates of all versions that a caller reads with the verdicts; eli moves an alias, which bo may not."""
    everything = who == "ada"
    versions = [each for each in _of(estate, "model-version") if everything or estate.access[each] == "open"]
    for version in versions:
        unclean = [{"id": e} for e in sorted(verdicts) if ("EVALUATED_BY", version, e) in estate.edges]
        unclean = [each for each in unclean if verdicts[each["id"]] != "CLEAN"]
        report = (await api.ask(who, VERSION, id=version, alias="a"))["asset"]["gate"]
        assert report["contaminatedEvaluations"] == unclean, (who, version)
        if everything:
            given = {"model": estate.parents[version], "version": version, "alias": "a"}
            payload = (await api.ask("eli", SET, input=given))["setAlias"]
            assert payload["gate"]["contaminatedEvaluations"] == unclean, version


async def test_contamination_of_random_estates_equals_that_of_plain_loops(api: Api) -> None:
    """Verdict, data and completeness of every evaluation equal the expected values, for ada (sees all) and bo (not).

    The estates contain every verdict, complete and partial results, and evaluations whose verdict differs for bo. The
    gate that needs uncontaminated evaluations names those that are not CLEAN, to readers and when an alias moves.
    """
    met: dict[str, list[tuple[str, str]]] = {"ada": [], "bo": []}
    for seed in range(8):
        estate = await _laid(api, Random(f"contamination {seed}"), f"c{seed}")
        for who, everything in (("ada", True), ("bo", False)):
            ids = [each for each, kind in estate.kinds.items() if kind == "evaluation"]
            nodes = (await api.ask(who, CONTAMINATION, ids=ids))["nodes"]
            found = {e: _checked(estate, e, n["contamination"]) for e, n in zip(ids, nodes, strict=True)}
            assert found == {each: estate.expected(each, everything=everything) for each in ids}, seed
            await _filters_agree(api, who, {each: verdict for each, (verdict, *_) in found.items()})
            await _gates_agree(api, estate, {each: verdict for each, (verdict, *_) in found.items()}, who)
            met[who] += [(verdict, state) for verdict, _, state in found.values()]
    assert {verdict for verdict, _ in met["ada"]} == {"DIRECT", "DERIVED", "CLEAN", "UNKNOWN"}
    assert {state for _, state in met["bo"]} == {"COMPLETE", "PARTIAL"}
    assert any(ada[0] != bo[0] for ada, bo in zip(met["ada"], met["bo"], strict=True))


@pytest.fixture(scope="module")
async def wide(api: Api) -> Api:
    """Return the API with two evaluations on MANY datasets, of one version more, all of a hub with 40 sources."""
    hub, versions = urn("dataset", "hub"), [urn("model-version", f"wide@{number}") for number in range(MANY + 1)]
    data = [urn("dataset", f"wide-{number}") for number in range(MANY)]
    await api.load(
        owned("dataset", "hub", derivedFrom=[urn("dataset", f"source-{number}") for number in range(40)]),
        *(owned("dataset", each.rpartition("/")[2], derivedFrom=[hub]) for each in data),
        *(owned("model-version", each.rpartition("/")[2], trainedOn=[hub]) for each in versions),
        *(owned("evaluation", each.rpartition("/")[2], evaluatedOn=data, modelVersion=versions[0]) for each in WIDE),
        *(
            {"link": {"relation": "EVALUATED_BY", "from": version, "to": evaluation}}
            for version in versions[1:]
            for evaluation in WIDE
        ),
    )
    return api


async def test_a_training_and_data_are_compared_once_beside_the_event_loop(
    wide: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two evaluations share each comparison of a version with data; none of them holds the event loop."""
    pairs, threads = list[tuple[str, str]](), set[int]()

    def noted(training: DataSources, evaluated: DataSources) -> Overlap | None:
        pairs.append((training.root, evaluated.root))
        threads.add(threading.get_ident())
        return overlap(training, evaluated)

    monkeypatch.setattr(contamination_walk, "overlap", noted)
    for found in (await wide.ask("ada", CONTAMINATION, ids=WIDE))["nodes"]:
        assert found["contamination"]["verdict"] == "DERIVED"
        assert {len(each["path"]) for each in found["contamination"]["sources"]} == {3}
        assert len(found["contamination"]["sources"]) == MANY
    assert len(pairs) == len({*pairs}) == MANY * (MANY + 1)
    assert threading.get_ident() not in threads


async def test_the_compared_ids_of_an_operation_are_bounded(wide: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the limit nothing differs; above it the result says EDGES, and a list by verdict is an error."""
    unlimited = (await wide.ask("ada", CONTAMINATION, ids=WIDE))["nodes"]
    verdicts = list[list[str]]()
    for ids in (0, 150, 1_000, 3_000, 5_000, 20_000):
        monkeypatch.setattr(wide.contexts, "walk_limits", WalkLimits(ids=ids))
        nodes = (await wide.ask("ada", CONTAMINATION, ids=WIDE))["nodes"]
        verdicts.append([each["contamination"]["verdict"] for each in nodes])
        cut = [each for each in nodes if each["contamination"]["completeness"]["state"] != "COMPLETE"]
        assert all(each in cut or each == full for each, full in zip(nodes, unlimited, strict=True))
        assert {each["contamination"]["completeness"]["reason"] for each in cut} <= {"EDGES"}
    assert (verdicts[0], verdicts[-1], cut) == (["UNKNOWN"] * 2, ["DERIVED"] * 2, [])
    monkeypatch.setattr(wide.contexts, "walk_limits", WalkLimits(ids=0))
    query = "query ($ids: [ID!]!) { assets(filter: {ids: $ids, contaminated: true}) { totalCount } }"
    (error,) = (await wide.send("ada", query, ids=WIDE))["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert "budget EDGES" in error["message"]


@pytest.mark.parametrize("name", ["SOURCE_BYTES", "STEP_BYTES"])
async def test_the_sources_of_reports_count_as_memory(wide: Api, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """An operation keeps the reports of two thousand evaluations, each with up to 200 sources and their paths."""
    monkeypatch.setattr(contamination_walk, name, 10**9)
    (error,) = (await wide.send("ada", CONTAMINATION, ids=WIDE))["errors"]
    assert error["extensions"]["limit"] == "stored"


async def test_the_versions_of_an_evaluation_are_bounded(wide: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as data may be are examined; with one more the result says so."""
    for most, reason in ((MANY + 1, None), (MANY, "DATA")):
        monkeypatch.setattr(contamination_walk, "MAX_DATA", most)
        for found in (await wide.ask("ada", CONTAMINATION, ids=WIDE[:1]))["nodes"]:
            assert found["contamination"]["completeness"]["reason"] == reason


@observes_one_process
async def test_a_comparison_that_has_ended_is_freed_in_turns(wide: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk to what an evaluation measures may have 300,000 edges, which take 70 ms in one callback."""
    freed = list[str]()

    def free(_: GradualRelease, objects: list[object]) -> None:
        freed.extend(type(each).__name__ for each in objects)

    monkeypatch.setattr(OperationBudget, "has_read_much", property(lambda _: True))
    monkeypatch.setattr(GradualRelease, "free", free)
    await wide.ask("ada", CONTAMINATION, ids=WIDE)
    assert freed.count("WalkState") == len(WIDE)
