"""Rules for the tests: each begins with what it proves, none sleeps, and none is skipped."""

import ast
from typing import TypeGuard

from support.source_tree import Module, modules, read

SLEEPS = {"time.sleep", "asyncio.sleep", "anyio.sleep", "sleep"}

POLLS = {"tests/support/waiting.py"}
"""Modules that may pause between two checks of a condition: the state of another process has no event to wait for."""

WITHOUT_STORE = ("tests/unit/", "tests/architecture/", "tests/contract/sdl/")
"""Folders that ``make test-fast`` runs."""

STORES = {"Cluster", "EmbeddedStore", "GraphHost", "StoreGraph"}
"""Types of the fixtures that start JanusGraph."""


def under_tests() -> list[Module]:
    """Return the modules of the test tree."""
    return [module for module in modules() if module.path.startswith("tests/")]


def pauses(node: ast.AST) -> TypeGuard[ast.Call]:
    """Return whether a node is a call that sleeps; ``asyncio.sleep(0)`` only lets other tasks run."""
    if not isinstance(node, ast.Call) or ast.unparse(node.func) not in SLEEPS:
        return False
    return [ast.unparse(argument) for argument in node.args] != ["0"]


def test_every_test_begins_with_a_sentence() -> None:
    """Every test function has a docstring that ends as a sentence."""
    silent = [
        f"{module.path}:{function.name}"
        for module in under_tests()
        for function in module.functions
        if function.name.startswith("test_") and not (ast.get_docstring(function) or "").endswith((".", "?"))
    ]
    assert silent == []


def test_no_test_sleeps() -> None:
    """A test waits for a condition, not a duration: a sleep is too long or, on a slow machine, too short."""
    sleeping = {
        f"{module.path}:{node.lineno}"
        for module in under_tests()
        if module.path not in POLLS
        for node in module.nodes
        if pauses(node)
    }
    assert sleeping == set()


def test_no_test_is_skipped_always() -> None:
    """No test is marked `skip` or `xfail` without a condition: such a test proves nothing."""
    skipped = [
        f"{module.path}:{node.lineno}"
        for module in under_tests()
        for node in module.nodes
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"pytest.mark.skip", "pytest.mark.xfail"}
    ]
    assert skipped == []


def test_fast_tests_need_no_store() -> None:
    """No test or fixture that ``make test-fast`` runs uses JanusGraph, and the target runs exactly these folders."""
    starting = [
        f"{module.path}:{function.name}"
        for module in under_tests()
        if module.path.startswith(WITHOUT_STORE)
        for function in module.functions
        if STORES & {ast.unparse(argument.annotation) for argument in function.args.args if argument.annotation}
    ]
    assert starting == []
    assert " ".join(folder.rstrip("/") for folder in WITHOUT_STORE) in read("Makefile")
