"""The habits of the tests: each says what it proves, and none waits for time to pass."""

import ast
from typing import TypeGuard

from support.source_tree import Module, modules

SLEEPS = {"time.sleep", "asyncio.sleep", "anyio.sleep", "sleep"}

POLLS = {"tests/support/waiting.py"}
"""Where a pause is the way to look again, up to a limit: conditions of other processes have no event."""


def under_tests() -> list[Module]:
    """The modules of the test tree."""
    return [module for module in modules() if module.path.startswith("tests/")]


def pauses(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether a call lets time pass; ``asyncio.sleep(0)`` lets others run and no time pass."""
    if not isinstance(node, ast.Call) or ast.unparse(node.func) not in SLEEPS:
        return False
    return [ast.unparse(argument) for argument in node.args] != ["0"]


def test_every_test_says_what_it_proves() -> None:
    """Every test function opens with a sentence."""
    silent = [
        f"{module.path}:{function.name}"
        for module in under_tests()
        for function in module.functions
        if function.name.startswith("test_") and not (ast.get_docstring(function) or "").endswith((".", "?"))
    ]
    assert silent == []


def test_no_test_sleeps() -> None:
    """A test waits for a condition, never for a duration: sleeping is slow on a good day and wrong on a bad one."""
    sleeping = {
        f"{module.path}:{node.lineno}"
        for module in under_tests()
        if module.path not in POLLS
        for node in ast.walk(module.tree)
        if pauses(node)
    }
    assert sleeping == set()


def test_no_test_is_skipped_for_good() -> None:
    """A test that nobody runs proves nothing: `skip` and `xfail` without a condition stay out."""
    skipped = [
        f"{module.path}:{node.lineno}"
        for module in under_tests()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"pytest.mark.skip", "pytest.mark.xfail"}
    ]
    assert skipped == []
