"""Each module with a branch has a test of its name at its path, or a line that names the test which proves it.

The twin of ``app/graph/records/clock.py`` is ``tests/unit/app/graph/records/test_clock.py``, or the same path below
``tests/integration`` where a store is needed. ``without_twin.txt`` lists the modules without one.
"""

import ast
from pathlib import PurePath

import pytest
from support.source_tree import modules, product, read

LIST = "tests/architecture/without_twin.txt"

MAX_WITHOUT_TWIN = 47
"""Length of the list when it was written or last shortened. It only becomes smaller: write a test, remove a line."""

OF_A_PACKAGE = {
    "tests/unit/policies/test_matrix.py": "every caller, class and field of the decision table against all of policies",
    "tests/unit/app/graph/writing/handlers/test_delete_uses.py": "a rule is compared with a plain reading of it",
    "tests/unit/app/graph/writing/handlers/test_merge_rights.py": "the rights of a merge on assets whose edges move",
    "tests/unit/app/graph/writing/rules/test_first_owner_mutants.py": "each part of a rule is changed, and noticed",
    "tests/unit/app/graph/writing/test_atomic_limits.py": "the limits of an atomic call, apart from its transaction",
    "tests/unit/app/graph/writing/test_reads_ahead.py": "what a call reads ahead for its plans, beside other processes",
    "tests/unit/app/graph/writing/test_refused_groups.py": "what is refused together: who is charged, and who is next",
    "tests/unit/app/graph/writing/test_repeated_plans.py": "how often an item of any handler is read and planned",
    "tests/unit/app/graph/writing/test_transaction_cost.py": "what is counted while it is planned bounds a transaction",
    "tests/unit/app/graph/writing/test_transaction_turns.py": "what of a transaction is divided, or made aside",
    "tests/unit/policies/test_mutants.py": "each rule and label is changed, and the decision table must notice it",
}
"""Unit tests of a package rather than of one module, each with what it proves."""

PATHS = {module.path for module in modules()}

Branch = ast.If | ast.IfExp | ast.BoolOp | ast.Match | ast.While | ast.For | ast.AsyncFor | ast.Try
"""Statements and expressions that decide what is executed; a comprehension does so if it has a condition."""


def branches(tree: ast.Module) -> bool:
    """Return whether a module decides anything, as opposed to only declaring."""
    return any(
        isinstance(node, Branch) or (isinstance(node, ast.comprehension) and bool(node.ifs)) for node in ast.walk(tree)
    )


def twins(path: str) -> set[str]:
    """Return the paths at which the test of a module may be."""
    module = PurePath(path)
    return {f"tests/{kind}/{module.parent}/test_{module.name}" for kind in ("unit", "integration")}


def module_of(path: str) -> str:
    """Return the path of the module that a unit test is about."""
    relative = PurePath(path).relative_to("tests/unit")
    if relative.parts[0] == "support":
        relative = "tests" / relative
    return str(relative.with_name(relative.name.removeprefix("test_")))


def without_twin() -> list[tuple[str, str]]:
    """Return the lines of the list: a module and the test that proves it."""
    lines = [line.split() for line in read(LIST).splitlines() if line and not line.startswith("#")]
    return [(module, test) for module, test in lines]


def demanded() -> set[str]:
    """Return the paths of the modules that need a test or a line."""
    return {module.path for module in product().values() if not twins(module.path) & PATHS and branches(module.tree)}


def test_every_module_with_a_branch_has_a_test_or_a_reason() -> None:
    """The list names exactly the modules without a twin: none is forgotten, and a new test removes its line."""
    assert {module for module, _ in without_twin()} == demanded()


def test_the_list_is_sorted_and_only_becomes_shorter() -> None:
    """One line a module, in order, so that two changes of the list seldom touch the same line; no more than before."""
    listed = [module for module, _ in without_twin()]
    assert listed == sorted({*listed})
    assert len(listed) <= MAX_WITHOUT_TWIN


def test_every_line_names_a_test_that_exists() -> None:
    """A line is a promise that another test fails when the module is wrong: that test is there."""
    assert {
        test for _, test in without_twin() if test not in PATHS or not PurePath(test).name.startswith("test_")
    } == set()


def test_every_unit_test_is_about_a_module() -> None:
    """A unit test lies at the path of its module, so that a moved module takes its test along."""
    tests = {path for path in PATHS if path.startswith("tests/unit/") and PurePath(path).name.startswith("test_")}
    assert {path for path in tests if module_of(path) not in PATHS} == OF_A_PACKAGE.keys()


@pytest.mark.parametrize(
    ("source", "decides"),
    [
        ("LIMIT = 3\nclass Row:\n    name: str\n", False),
        ("names = [each.name for each in rows]", False),
        ("names = [each.name for each in rows if each.name]", True),
        ("def size(rows): return len(rows) if rows else 0", True),
        ("name = given or 'default'", True),
    ],
)
def test_declarations_need_no_test(source: str, decides: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A module that only declares is exempt; a condition in any form is a branch."""
    assert branches(ast.parse(source)) is decides


def test_twins_and_modules_are_paths() -> None:
    """A module, its two possible tests, and the way back from a test, for helpers of the tests as well."""
    assert twins("policies/installation/gates.py") == {
        "tests/unit/policies/installation/test_gates.py",
        "tests/integration/policies/installation/test_gates.py",
    }
    assert module_of("tests/unit/policies/installation/test_gates.py") == "policies/installation/gates.py"
    assert module_of("tests/unit/support/oracles/test_lineage.py") == "tests/support/oracles/lineage.py"
