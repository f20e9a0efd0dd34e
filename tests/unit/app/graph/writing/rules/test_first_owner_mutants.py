"""Mutants of the rule about assets without an owner: a table written by hand must detect each of them.

The rule compares the state before a write with that after it, so it is no rule of the policy about rows, whose mutants
are in ``tests/unit/policies/test_mutants.py``.
"""

import ast
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.writing import batch_planner
from app.graph.writing.rules import first_owner
from policies.installation.reserved_names import Reservation, ReservedNames

ADA = person("ada", "team ranking", roles="engineer")
MAL = person("mal", "team ads", roles="engineer")
BOT = person("bot", "team ads", roles="automation")
ADS, RANKING = {"team ads": ["TECHNICAL"]}, {"team ranking": ["TECHNICAL"]}
ROOT = None

TABLE: list[tuple[Any, Any, str]] = [
    (MAL, asset("run r", owners=ADS), "DENIED"),
    (MAL, asset("run r", {"visibility": "TEAM"}), "DENIED"),
    (MAL, asset("run r", {"sensitivity": "INTERNAL"}), "DENIED"),
    (MAL, asset("run later", {"sensitivity": "PUBLIC"}), "UPDATED"),
    (MAL, link("CONTAINS", "domain ads", "run r"), "DENIED"),
    (MAL, asset("run r", {"state": "COMPLETE"}), "UPDATED"),
    (MAL, asset("run stub", {"state": "RUNNING"}, owners=ADS), "CREATED"),
    (ADA, asset("run stub", {"state": "RUNNING"}, owners=RANKING), "CREATED"),
    (MAL, asset("model m", owners=ADS), "UPDATED"),
    (MAL, asset("model of-user", owners=ADS), "DENIED"),
    (MAL, asset("model of-hidden", owners=ADS), "DENIED"),
    (MAL, asset("model of-user"), "CREATED"),
    (MAL, asset("model of-hidden-stub", owners=ADS), "CREATED"),
    (MAL, asset("model of-stub", owners=ADS), "CREATED"),
    (ROOT, asset("model of-user", owners=ADS), "CREATED"),
    (MAL, asset("run new", {"state": "RUNNING"}, owners=ADS), "CREATED"),
    (MAL, asset("run ours", {"sensitivity": "CONFIDENTIAL"}), "UPDATED"),
    (ADA, asset("run r", owners=RANKING), "UPDATED"),
    (ADA, asset("run r", {"sensitivity": "INTERNAL"}), "UPDATED"),
    (ADA, asset("run later", owners=RANKING), "UPDATED"),
    (MAL, asset("run later", owners=ADS), "DENIED"),
    (ROOT, asset("run r", owners=ADS), "UPDATED"),
    (ROOT, asset("team ads", {"title": "Ads"}), "UPDATED"),
    (MAL, asset("workflow reserved", owners=ADS), "DENIED"),
    (ADA, asset("workflow reserved", owners=RANKING), "UPDATED"),
    (MAL, asset("feature-set of-stub", owners=ADS), "DENIED"),
    (MAL, asset("feature-set of-full", owners=ADS), "DENIED"),
    (ROOT, asset("feature-set of-full", owners=ADS), "UPDATED"),
    (MAL, asset("model-version of-ada@2", owners=ADS), "DENIED"),
    (MAL, asset("model-version of-ada@2"), "CREATED"),
    (MAL, asset("model-version of-ada@1", owners=ADS), "DENIED"),
    (MAL, asset("model-version of-ada@0", {"framework": "torch"}), "UPDATED"),
    (MAL, asset("feature of-ads", featureSet=["feature-set of-ada"]), "DENIED"),
    (MAL, asset("feature of-ads", featureSet=["feature-set stub"]), "UPDATED"),
    (ADA, asset("model-version of-ada@2", owners=RANKING), "CREATED"),
    (ROOT, asset("model-version of-ada@2", owners=ADS), "CREATED"),
    (MAL, asset("model-version of-stub@2", owners=ADS), "CREATED"),
    (BOT, asset("model-version of-ads@1", owners=ADS), "CREATED"),
    (MAL, asset("model-version handed@1", owners=ADS), "DENIED"),
    (MAL, asset("model-version handed@2", owners=ADS), "DENIED"),
    (ROOT, asset("model-version handed@1", owners=ADS), "UPDATED"),
    (ADA, asset("model in-domain", owners={}), "DENIED"),
    (ADA, asset("model in-domain", owners={"team ranking": ["STEWARD"]}), "UPDATED"),
    (ROOT, asset("model in-domain", owners={}), "UPDATED"),
]
"""The caller, the write, and its outcome: ada registered the run, to which others referred or not before.

Mal registered the workflow, and the features with their sets, before the ids of workflows and features were reserved
for the team ranking.
"""

OTHER = "with_registrant"
"""A function of the module that is called when an asset is registered; test_first_owner.py tests it."""

_SKIPPED = "before is None or not KIND_OF_CODE[before['kind']].asset"
_OWNED = "bool(after['ownerTeam']) and after['index'] != before['index']"
_RAISED = "RANK[after['declaredSensitivity']] > RANK[before['declaredSensitivity']]"
_FOLLOWS = "is_unowned_stub(child) or unit.follows_hand_overs(child, after)"
EQUIVALENT = {
    # only administrators change teams, users, domains and tags
    f"{_SKIPPED} -> before is None or False",
    # the right on the result denies this before
    f"owned or hidden or {_RAISED} -> owned or False or {_RAISED}",
    # nothing else changes the index of an asset without an owner
    f"{_OWNED} -> True and after['index'] != before['index']",
    # only the job of owner teams has hand-overs: tests/integration/app/graph/jobs/test_owner_hand_overs.py
    f"{_FOLLOWS} -> is_unowned_stub(child) or False",
    "if inherited in {'', after['ownerTeam']}:\n    return -> if inherited in {'', after['ownerTeam']}:\n    pass",
    # who may update a child with an owner, and give it another one, may also update it with the owner of its parent
    "if child['ownerTeam']:\n    return -> if child['ownerTeam']:\n    pass",
    # a new asset is skipped before
    "if record is None:\n    return True -> if record is None:\n    pass",
}
"""Mutants that change no decision, each with the reason."""


def decisions(memory: Memory) -> list[str]:
    """Return the outcome of each write of the table, each on the same state."""
    found = []
    for who, command, _ in TABLE:
        (done,) = memory.run(command, now=NOW + 2, dry_run=True, **({"who": who} if who else {}))
        found.append(done.errors[0].code.name if done.errors else done.outcome.name)
    return found


def mutants() -> Iterator[tuple[str, ast.Module]]:
    """Yield the module of the rule without one operand, with one comparison negated, or without one statement."""
    tree = ast.parse(Path(first_owner.__file__).read_text())
    used = {*ast.walk(tree)} - {*ast.walk(next(each for each in tree.body if getattr(each, "name", "") == OTHER))}
    for number, node in enumerate(ast.walk(tree)):
        if node not in used:
            continue
        if isinstance(node, ast.BoolOp):
            for index in range(len(node.values)):
                yield changed(tree, number, partial(drop_operand, index))
        if isinstance(node, ast.Compare):
            yield changed(tree, number, lambda found: found.ops.__setitem__(0, NEGATED[type(found.ops[0])]()))
        if isinstance(node, ast.If | ast.For):
            yield changed(tree, number, lambda found: found.body.__setitem__(slice(None), [ast.Pass()]))


def drop_operand(index: int, found: ast.BoolOp) -> None:
    """Replace an operand by the value that has no effect on the others."""
    found.values[index] = ast.Constant(isinstance(found.op, ast.And))


NEGATED: dict[type, type] = {
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Gt: ast.LtE,
    ast.NotIn: ast.In,
    ast.In: ast.NotIn,
}


def changed(tree: ast.Module, number: int, change: Callable[[Any], object]) -> tuple[str, ast.Module]:
    """Return a copy of a module with a change of the node of this number, and the text of that node."""
    copy = deepcopy(tree)
    node = next(each for index, each in enumerate(ast.walk(copy)) if index == number)
    before = ast.unparse(node)
    change(node)
    return f"{before} -> {ast.unparse(node)}", ast.fix_missing_locations(copy)


@pytest.fixture
def memory(memory: Memory) -> Memory:
    """Return a store with runs without an owner: one that ada registered, the stub of one, and one with an owner."""
    seeded(memory, asset("domain ads", owners=ADS), asset("team ads"))
    seeded(memory, asset("run ours", {"state": "RUNNING"}, owners=ADS))
    assert memory.outcomes(link("CHILD_OF", "run mine", "run later"), who=MAL) == ["CREATED"]
    assert memory.outcomes(link("CHILD_OF", "run mine", "run stub"), who=MAL) == ["CREATED"]
    for name, sensitivity in (("r", "PUBLIC"), ("later", "INTERNAL")):
        command = asset(f"run {name}", {"state": "RUNNING", "sensitivity": sensitivity})
        assert memory.outcomes(command, who=ADA, now=NOW + 1) == ["CREATED"]
    seeded(memory, asset("model-version of-user@1", owners={"user hana": ["TECHNICAL"]}))
    seeded(memory, asset("model-version of-hidden@1", {"sensitivity": "RESTRICTED"}))
    seeded(
        memory,
        asset("run of-version", {"state": "RUNNING"}),
        link("PRODUCES", "run of-version", "model-version of-stub@1"),
    )
    seeded(memory, link("PRODUCES", "run ours", "model-version of-hidden-stub@1"))
    stub = memory.record("model-version of-hidden-stub@1")
    memory.vertices = {
        vid: {**each, "sensitivity": "RESTRICTED"} if each == stub else each for vid, each in memory.vertices.items()
    }
    assert memory.outcomes(asset("model m"), who=MAL, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(asset("model-version m@1"), who=ADA, now=NOW + 1) == ["CREATED"]
    for each in ("model of-ada", "feature-set of-ada"):
        assert memory.outcomes(asset(each), who=ADA, now=NOW + 1) == ["CREATED"]
    seeded(memory, asset("model of-ads", owners=ADS), asset("feature of-ads", owners=ADS))
    seeded(memory, asset("model-version of-ada@0", owners=ADS))
    seeded(memory, asset("model in-domain", owners=RANKING), asset("model-version in-domain@1"))
    seeded(memory, link("CONTAINS", "domain ads", "model-version in-domain@1"))
    assert memory.outcomes(asset("model-version of-ada@1"), who=MAL, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(asset("model handed"), who=ADA, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(asset("model-version handed@1"), who=MAL, now=NOW + 1) == ["CREATED"]
    seeded(memory, link("PRODUCES", "run ours", "model-version handed@2"))
    before_job = {each["id"]: vid for vid, each in memory.vertices.items() if "handed@" in each["id"]}
    seeded(memory, asset("model handed", owners=RANKING))
    for vid in before_job.values():
        memory.vertices[vid] = {**memory.vertices[vid], "ownerTeam": ""}
    assert memory.outcomes(asset("workflow reserved"), who=MAL, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(asset("feature full"), who=MAL, now=NOW + 1) == ["CREATED"]
    for name in ("stub", "full"):
        in_set = asset(f"feature-set of-{name}", features=[f"feature {name}"])
        assert memory.outcomes(in_set, who=MAL, now=NOW + 1) == ["CREATED"]
    entry = Reservation(urn("team ranking"), frozenset({"Workflow", "Feature"}), ("test",))
    memory.reserved_names = ReservedNames((entry,))
    return memory


def test_every_mutant_of_the_rule_is_killed(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule gives the outcomes of the table; without one of its parts it gives others, or fails."""
    expected = [outcome for _, _, outcome in TABLE]
    assert decisions(memory) == expected
    survivors, tried = set(), 0
    monkeypatch.setattr(batch_planner, "require_right_to_take", lambda _: None)
    assert decisions(memory) != expected
    for name, tree in mutants():
        module = ModuleType(first_owner.__name__)
        exec(compile(tree, name, "exec"), module.__dict__)  # noqa: S102 - the text is a file of this repository
        monkeypatch.setattr(batch_planner, "require_right_to_take", module.require_right_to_take)
        tried += 1
        try:
            survives = decisions(memory) == expected
        except (KeyError, TypeError, AttributeError):
            survives = False
        if survives:
            survivors.add(name)
    print(f"{tried} mutants of the rule, {len(survivors)} survive")  # noqa: T201 - the figure is part of the result
    assert sorted(survivors) == sorted(EQUIVALENT)
    assert tried > 15
