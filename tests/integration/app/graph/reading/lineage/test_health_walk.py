"""Health of versions that share evaluations, compared with plain loops over the same values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from support.estates.owned_items import owned, urn
from support.servers.in_process import Api, observes_one_process

from app.graph.reading.lineage import health_walk
from app.graph.reading.lineage.contamination_walk import examined
from app.graph.reading.lineage.lineage_visibility import LineageVisibility
from app.graph.reading.lineage.walk_budget import WalkLimits
from app.graph.reading.lineage.walk_session import WalkSession
from graphql_schema.ports.contamination_report import ContaminationReport
from graphql_schema.ports.lineage_query import SnapshotTime
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.row import Row
from graphql_schema.ports.turns.gradual_release import GradualRelease

HEALTH = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Asset { health { status completeness { reason }
  causes { counts asset { id } evaluation { id } } } } } }"""
LINK = {"relation": "EVALUATED_BY"}


@dataclass(frozen=True)
class Evaluation:
    """The values of an evaluation that decide what it is a cause of."""

    id: str
    team: str
    kind: str
    verdict: str
    at: str
    data: frozenset[str]
    versions: frozenset[str]
    retired: bool

    @property
    def item(self) -> dict[str, Any]:
        """The item that registers it for the first of its versions."""
        return owned(
            "evaluation",
            self.id.rpartition("/")[2],
            self.team,
            modelVersion=min(self.versions),
            evaluationKind=self.kind,
            verdict=self.verdict,
            evaluatedAt=self.at,
            evaluatedOn=sorted(self.data),
            stage="RETIRED" if self.retired else "ACTIVE",
        )


def expected(versions: Sequence[str], evaluations: Sequence[Evaluation]) -> tuple[str, list[tuple[str, str, bool]]]:
    """Return the status of a group of versions of the team ranking, and its causes as version, evaluation, counts."""
    causes: dict[str, tuple[bool, str]] = {}
    severe = False
    for version in versions:
        for one in evaluations:
            if version not in one.versions or one.retired or one.verdict == "PASS":
                continue
            alike = [
                each
                for each in evaluations
                if version in each.versions
                and not each.retired
                and (each.team, each.kind, each.data) == (one.team, one.kind, one.data)
            ]
            if max(alike, key=lambda each: (each.at, each.id)) == one:
                counts = one.team == "ranking"
                severe |= counts and one.verdict == "FAIL"
                causes[one.id] = min((not counts, version), causes.get(one.id, (not counts, version)))
    found = sorted((version, about, not reported) for about, (reported, version) in causes.items())
    watched = any(one.team == "ranking" and one.versions & {*versions} for one in evaluations)
    if severe:
        return "UNHEALTHY", found
    return "DEGRADED" if any(counts for *_, counts in found) else "HEALTHY" if watched else "UNKNOWN", found


def random_evaluations(random: Random, name: str, versions: Sequence[str], data: Sequence[str]) -> Iterator[Evaluation]:
    """Yield evaluations of some versions on some data, of which several have the same data."""
    for number in range(12):
        yield Evaluation(
            urn("evaluation", f"{name}-{number:02}"),
            random.choice(("ranking", "ranking", "ads")),
            random.choice(("OFFLINE", "SHADOW")),
            random.choice(("FAIL", "WARN", "PASS", "PASS")),
            f"2026-01-{random.randrange(1, 9):02}T00:00:00Z",
            frozenset(random.choice((data[:2], data[1:], data[:1], ()))),
            frozenset(random.sample(versions, random.randrange(1, len(versions)))),
            random.random() < 0.15,
        )


async def model_with(api: Api, name: str, count: int) -> list[str]:
    """Register a model of the team ranking with so many versions; return the ids of these."""
    versions = [f"{urn('model-version', name)}@{number}" for number in range(count)]
    await api.load(owned("model", name), *(owned("model-version", f"{name}@{number}") for number in range(count)))
    return versions


async def evaluated(api: Api, evaluations: Sequence[Evaluation]) -> None:
    """Register evaluations, and link them to all of their versions."""
    await api.load(*(each.item for each in evaluations))
    further = [(version, each.id) for each in evaluations for version in sorted(each.versions)[1:]]
    await api.load(*({"link": {**LINK, "from": version, "to": one}} for version, one in further))


async def failing_model(api: Api, name: str, count: int) -> list[str]:
    """Register a model with so many versions, all of which fail one evaluation; return the ids of these."""
    versions = await model_with(api, name, count)
    one = Evaluation(
        urn("evaluation", name), "ranking", "OFFLINE", "FAIL", "2026-01-01T00:00:00Z",
        frozenset(), frozenset(versions), retired=False,
    )  # fmt: skip
    await evaluated(api, [one])
    return versions


async def test_the_causes_of_shared_evaluations_are_those_of_plain_loops(api: Api) -> None:
    """Each version, and the model of all, has the causes that a comparison of all pairs of evaluations finds."""
    data = [urn("dataset", f"data-{number}") for number in range(3)]
    await api.load(*(owned("dataset", f"data-{number}") for number in range(3)))
    statuses = set()
    for seed in range(3):
        random, name = Random(f"shared {seed}"), f"shared-{seed}"
        versions = await model_with(api, name, 4)
        evaluations = [*random_evaluations(random, name, versions, data)]
        await evaluated(api, evaluations)
        subjects = [urn("model", name), *versions]
        nodes = (await api.ask("root", HEALTH, ids=subjects))["nodes"]
        for each, node in zip(subjects, nodes, strict=True):
            found = node["health"]
            causes = [(one["asset"]["id"], one["evaluation"]["id"], one["counts"]) for one in found["causes"]]
            assert (found["status"], causes) == expected(versions if each == subjects[0] else [each], evaluations)
            statuses.add(found["status"])
    assert statuses >= {"UNHEALTHY", "DEGRADED"}


@observes_one_process
async def test_the_data_of_an_evaluation_are_read_once_for_all_versions(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six versions with the same five evaluations on the same eight data: each edge is followed once, no path twice."""
    data = [urn("dataset", f"wide-{number}") for number in range(8)]
    await api.load(*(owned("dataset", f"wide-{number}") for number in range(8)))
    versions = await model_with(api, "wide", 6)
    evaluations = [
        Evaluation(
            urn("evaluation", f"wide-{number}"), "ranking", "OFFLINE", "FAIL", f"2026-01-0{number + 1}T00:00:00Z",
            frozenset(data), frozenset(versions), retired=False,
        )
        for number in range(5)
    ]  # fmt: skip
    await evaluated(api, evaluations)
    followed = []
    along = LineageVisibility.along

    def counted(visibility: LineageVisibility, *arguments: Any) -> Any:
        followed.append(arguments)
        return along(visibility, *arguments)

    monkeypatch.setattr(LineageVisibility, "along", counted)
    (node,) = (await api.ask("root", HEALTH, ids=[urn("model", "wide")]))["nodes"]
    assert (node["health"]["status"], len(node["health"]["causes"])) == ("UNHEALTHY", 1)
    links, considered, read = len(versions), len(versions) * len(evaluations), len(evaluations) * len(data)
    assert 0 < len(followed) <= links + considered + read


@observes_one_process
async def test_the_findings_of_an_operation_are_bounded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each walk counts the members that it examines and their findings; beyond the limit the health is TRUNCATED."""
    await failing_model(api, "bounded", 3)
    # the walk counts three members; health counts three, the model, and one finding on each member
    for limit, reason in ((10, None), (9, "EDGES")):
        monkeypatch.setattr(api.contexts, "walk_limits", WalkLimits(members=limit))
        (node,) = (await api.ask("root", HEALTH, ids=[urn("model", "bounded")]))["nodes"]
        assert node["health"]["completeness"]["reason"] == reason


@observes_one_process
async def test_the_findings_of_walks_count_as_memory(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of hundreds of walks has its own findings, a million in an operation."""
    versions = await failing_model(api, "heavy", 1)
    monkeypatch.setattr(health_walk, "FINDING_BYTES", 10**9)
    (error,) = (await api.send("root", HEALTH, ids=versions))["errors"]
    assert error["extensions"]["limit"] == "stored"


@observes_one_process
async def test_the_contamination_of_an_operation_is_bounded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations that count are examined first; the status may depend on one of them that is left out.

    Others are examined within a quarter of the limit, and leaving them out lacks causes alone.
    """
    (version,) = await model_with(api, "examined", 1)
    of_others, own = ([f"{team}-{kind}" for kind in ("OFFLINE", "SHADOW", "ONLINE")] for team in ("ads", "ranking"))
    given = [
        Evaluation(
            urn("evaluation", name), name.split("-")[0], name.split("-")[1], "PASS", "2026-01-01T00:00:00Z",
            frozenset(), frozenset({version}), retired=False,
        )
        for name in (*of_others, *own)
    ]  # fmt: skip
    await evaluated(api, given)
    names = list[str]()

    async def noted(session: WalkSession, evaluation: Row, pin: SnapshotTime) -> ContaminationReport:
        names.append(evaluation.record["name"])
        return await examined(session, evaluation, pin)

    monkeypatch.setattr(health_walk, "examined", noted)
    for limit, count, reason in ((24, 6, None), (16, 4, "CAUSES"), (3, 3, "CAUSES"), (2, 2, "EDGES, CAUSES")):
        names.clear()
        monkeypatch.setattr(api.contexts, "walk_limits", WalkLimits(evaluations=limit))
        (node,) = (await api.ask("root", HEALTH, ids=[version]))["nodes"]
        assert (len(names), node["health"]["completeness"]["reason"]) == (count, reason)
        assert {*names[:3]} <= {*own}


@observes_one_process
async def test_a_walk_that_has_ended_is_freed_in_turns(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its edges may be 300,000, which take 70 ms in one callback."""
    freed = list[str]()

    def free(_: GradualRelease, objects: list[object]) -> None:
        freed.extend(type(each).__name__ for each in objects)

    near, far = "mlg://dataset/test/default/near", "mlg://dataset/test/default/far"
    await api.load({"dataset": {"id": near}}, {"dataset": {"id": far, "derivedFrom": [near]}})
    monkeypatch.setattr(OperationBudget, "has_read_much", property(lambda _: True))
    monkeypatch.setattr(GradualRelease, "free", free)
    document = f"""{{ asset(id: "{far}") {{ health {{ status }}
      lineage(direction: UPSTREAM) {{ countsByKind {{ count }} }} }}
      paths(from: "{near}", to: "{far}") {{ paths {{ length }} }} }}"""
    assert "errors" not in await api.send("root", document)
    assert {*freed} >= {"HealthWalk", "WalkState", "PathSearchState"}
    assert freed.count("WalkState") == 2
