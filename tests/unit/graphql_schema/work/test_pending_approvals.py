"""Approvals that wait for the viewer: whose they are, and of which versions."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from threading import get_ident
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import AsyncMock

import pytest
from support.estates.wide_lineage import noted_threads
from support.stores.plain_reader import PlainGraph
from support.unpaused_calls import UnpausedCalls

from app.graph.reading.access.field_masks import RowAccess
from graphql_schema.execution.side_thread import run_aside
from graphql_schema.governance.gate_report import MANY_RECORDS, gate_of
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.outcomes import GateResult
from graphql_schema.ports.row import Row, RowPage
from graphql_schema.ports.shared_results import SharedResults
from graphql_schema.work import pending_approvals as module
from graphql_schema.work.pending_approvals import pending_approvals
from policies.installation.gates import Gate, Gates, Needs
from policies.vocabulary import WriteAction

TWO = Needs(("governance", "release"), distinct=frozenset({frozenset({"governance", "release"})}))
NOW = 1_000
SEARCH = "mlg://team/test/default/search"
RANKER, V1, V2 = (
    "mlg://model/test/default/ranker",
    "mlg://model-version/test/default/ranker@1",
    "mlg://model-version/test/default/ranker@2",
)


@dataclass(slots=True)
class Approving(RowAccess):
    """Access of a caller who may approve, and nothing else."""

    def may(self, action: WriteAction) -> bool:
        """Return whether the action is to approve."""
        return action is WriteAction.APPROVE


class ApproverGraph(PlainGraph):
    """A graph whose reader may approve everything, unless ``may`` is set to false."""

    may = True

    def row(self, urn: str) -> Row | None:
        """Return the row of an id."""
        found = super().row(urn)
        if found is not None and self.may:
            assert isinstance(found.access, RowAccess)
            found.access = Approving(found.access.type_name, found.access.mask, found.access.report)
        return found


@pytest.fixture
def graph() -> ApproverGraph:
    """Return a model whose protected alias points at the older one of two versions."""
    graph = ApproverGraph()
    aliases = {"champion": {"version": V1, "protected": True, "since": 1}, "free": {"version": V1, "protected": False}}
    graph.add("MODEL", "ranker", aliases=aliases, ownerTeam=SEARCH, updatedAt=1)
    for number in ("1", "2"):
        graph.add("MODEL_VERSION", "ranker", version=number, createdBy="ada", ownerTeam=None, updatedAt=1)
        graph.join("VERSION_OF", [V1, V2][int(number) - 1], RANKER, at=int(number))
    return graph


def decided(graph: PlainGraph, gate: str, by: str) -> None:
    """Add an approval of the newest version."""
    values = {"gate": gate, "decision": "APPROVED", "decidedBy": by, "createdAt": 5, "updatedAt": 5}
    graph.join("DECIDED_FOR", graph.add("APPROVAL", f"{gate}-{by}", **values), V2, at=5)


def operation(graph: PlainGraph, subject: str = "eli") -> Any:
    """Return the context of an operation of a caller."""
    context = SimpleNamespace(
        once=SharedResults().get,
        budget=OperationBudget(),
        reader=graph,
        gates=Gates((Gate("two", TWO, frozenset({"champion", "champion-2"})),)),
        principal=SimpleNamespace(subject=subject, owners=frozenset({SEARCH})),
        as_of=None,
        now=lambda: NOW,
    )
    return cast("Any", SimpleNamespace(context=context))


async def waiting(graph: PlainGraph, subject: str = "eli", limit: int = 20) -> dict[str, Any]:
    """Return what waits for a caller."""
    return await pending_approvals(operation(graph, subject), limit)


def shown(found: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    """Return the version, the alias and the names of each approval."""
    return [(each["version"].urn, each["alias"], each["approvals"]) for each in found["nodes"]]


async def test_aliases_of_the_field_find_what_waits_once(graph: ApproverGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would begin a task for each protected alias; a version has one, whatever the number of its aliases."""
    pointed = {"version": V1, "protected": True, "since": 1}
    graph.add("MODEL", "ranker", aliases={"champion": pointed, "champion-2": pointed}, ownerTeam=SEARCH, updatedAt=1)
    calls, evidence = list[str](), module._open_to_viewer  # noqa: SLF001

    async def counted(info: Any, candidate: Any) -> Any:
        calls.append(candidate.version.urn)
        return await evidence(info, candidate)

    monkeypatch.setattr(module, "_open_to_viewer", counted)
    info = operation(graph)
    found = await asyncio.gather(*(pending_approvals(info, limit) for limit in range(3)))
    assert [[each["alias"] for each in one["nodes"]] for one in found] == [[], ["champion"], ["champion", "champion-2"]]
    assert calls == [V2]


async def test_rights_to_many_versions_are_decided_in_turns(
    graph: ApproverGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes half a millisecond if the versions have different owners, so others run after each."""
    for number in range(20):
        name = f"m{number}"
        aliases = {"champion": {"version": V1, "protected": True, "since": 1}}
        model = graph.add("MODEL", name, aliases=aliases, ownerTeam=SEARCH, updatedAt=1)
        version = graph.add("MODEL_VERSION", name, version="1", createdBy="ada", ownerTeam=None, updatedAt=1)
        graph.join("VERSION_OF", version, model, at=1)
    calls = UnpausedCalls(monkeypatch)
    calls.observe(Approving, "may")
    assert (await waiting(graph))["total"] == 21
    assert calls.longest == 1


async def test_the_newest_version_waits(graph: ApproverGraph) -> None:
    """Of the protected alias; the list is limited, and the total is not."""
    found = await waiting(graph)
    assert shown(found) == [(V2, "champion", ["governance", "release"])]
    assert (found["total"], found["examined"], found["complete"]) == (1, 1, True)
    assert (await waiting(graph, limit=0))["total"] == 1


async def test_only_the_gates_of_the_list_are_evaluated(graph: ApproverGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    """The approvals decide what waits; evaluations and incidents are read for the listed entries only."""
    graph.records[RANKER]["aliases"]["champion-2"] = graph.records[RANKER]["aliases"]["champion"]
    evaluated = []

    async def counted(info: Any, version: Row, alias: str) -> GateResult:
        evaluated.append(alias)
        return await gate_of(info, version, alias)

    monkeypatch.setattr(module, "gate_of", counted)
    for limit, names in ((0, []), (1, ["champion"]), (2, ["champion", "champion-2"])):
        evaluated.clear()
        found = await waiting(graph, limit=limit)
        assert (found["total"], [each["alias"] for each in found["nodes"]], evaluated) == (2, names, names)


async def test_many_approvals_are_examined_in_the_side_thread(
    graph: ApproverGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others run while hundreds of decisions about a version are examined; a few are examined at once."""
    noted = noted_threads(monkeypatch, module, "approvers")
    decided(graph, "release", "rob")
    assert shown(await waiting(graph)) == [(V2, "champion", ["governance"])]
    assert noted == {("approvers", get_ident())}
    for number in range(MANY_RECORDS):
        decided(graph, "other", f"person {number}")
    noted.clear()
    assert shown(await waiting(graph)) == [(V2, "champion", ["governance"])]
    assert noted == {("approvers", await run_aside(get_ident))}


async def test_it_does_not_wait_for_others(graph: ApproverGraph) -> None:
    """Without the right to approve, for a maker, or where the gate or the aliases are hidden, nothing waits."""
    assert shown(await waiting(graph, "ada")) == []
    graph.records[V2]["madeBy"] = ["eli"]
    assert shown(await waiting(graph)) == []
    assert len(shown(await waiting(graph, "ada"))) == 1
    for hidden in ({"MODEL": {"aliases"}}, {"MODEL_VERSION": {"gate"}}, {"MODEL": {"versions"}}):
        graph.hidden = {kind: set(fields) for kind, fields in hidden.items()}
        assert shown(await waiting(graph, "ada")) == [], hidden
    graph.hidden = {}
    graph.may = False
    assert shown(await waiting(graph, "ada")) == []


async def test_the_author_of_a_stub_is_no_maker(graph: ApproverGraph) -> None:
    """A version waits for who only named it, and not for who registered it."""
    graph.records[V2] |= {"createdBy": "eli", "registeredBy": "cy"}
    assert len(shown(await waiting(graph, "eli"))) == 1
    assert shown(await waiting(graph, "cy")) == []


async def test_the_target_of_the_alias_does_not_wait(graph: ApproverGraph) -> None:
    """Once the alias points at the newest version nothing is left to approve."""
    graph.records[RANKER]["aliases"]["champion"]["version"] = V2
    assert shown(await waiting(graph)) == []


@pytest.mark.parametrize("state", ["hidden", "deleted"])
async def test_an_alias_of_a_version_that_is_not_visible_is_absent(graph: ApproverGraph, state: str) -> None:
    """Nothing waits for an alias whose version is hidden or deleted, as `Model.aliases` leaves it out."""
    if state == "hidden":
        del graph.records[V1]
    else:
        graph.records[V1]["deletedAt"] = 3
    found = await waiting(graph)
    assert (shown(found), found["total"]) == ([], 0)


async def test_a_model_whose_alias_is_hidden_takes_the_work_of_one_without(
    graph: ApproverGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its versions are not read, and the versions of aliases take a request in any case."""
    read: list[list[str]] = []
    related, nodes = PlainGraph.related_to_all, AsyncMock(return_value=[None])

    async def noted(reader: PlainGraph, sources: Sequence[Row], *given: Any) -> list[RowPage]:
        read.append([source.urn for source in sources])
        return await related(reader, sources, *given)

    monkeypatch.setattr(PlainGraph, "related_to_all", noted)
    await waiting(graph)
    monkeypatch.setattr(PlainGraph, "nodes", nodes)
    await waiting(graph)
    assert [RANKER] in read
    assert read[-1] == []
    nodes.assert_awaited_once_with([V1], constant_time=True)


async def test_approvals_of_different_people(graph: ApproverGraph) -> None:
    """A caller who gave one approval may not give the other one; anybody else may."""
    decided(graph, "release", "eli")
    assert shown(await waiting(graph)) == []
    assert shown(await waiting(graph, "cy")) == [(V2, "champion", ["governance"])]
    decided(graph, "governance", "cy")
    assert shown(await waiting(graph, "root")) == []


async def test_more_models_than_are_examined(graph: ApproverGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were changed last are examined, and the result is not complete."""
    monkeypatch.setattr(module, "MAX_MODELS", 1)
    graph.add("MODEL", "newer", aliases={}, ownerTeam=SEARCH, updatedAt=2)
    found = await waiting(graph)
    assert (shown(found), found["examined"], found["complete"]) == ([], 1, False)


async def test_models_of_others_take_no_places(graph: ApproverGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of the viewer is examined, however many models of others changed after it."""
    monkeypatch.setattr(module, "MAX_MODELS", 3)
    for number in range(4):
        graph.add("MODEL", f"other-{number}", ownerTeam="", updatedAt=9)
    found = await waiting(graph)
    assert shown(found) == [(V2, "champion", ["governance", "release"])]
    assert (found["examined"], found["complete"]) == (3, False)
