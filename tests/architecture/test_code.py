"""The habits of the code: small, documented, importing downwards, catching only what it knows."""

import ast
from collections.abc import Iterator

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports
from support.source_tree import PACKAGES, ROOT, Function, modules, product

LONGEST_MODULE = 400
LONGEST_FUNCTION = 60

CATCHES_EVERYTHING = {
    "app.graph.jobs.receipt_expiry": "a job that stops keeps receipts for ever: what fails is logged and tried again",
    "app.graph.commits.outbox_worker": "a job that stops is a fence that stays: what fails is logged and tried again",
    "app.http.health": "a probe that fails, however it fails, means not ready",
    "app.http.middleware": "the HTTP boundary: what nobody expected becomes a masked 500 and one line in the log",
    "app.http.websocket.subscription_socket": "the boundary of a WebSocket: the same, as an error or a close code",
    "app.http.graphql.graphql_view": "the HTTP boundary: the same, as a GraphQL answer",
}
"""Modules that may write `except Exception` and go on, each with its reason."""

TIDIES_UP = {"app.store.embedded.embedded_store", "app.store.embedded.data_lock"}
"""Modules that may catch everything, cancellation included, because they give back a process or a lock and raise on."""


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let import-linter find its configuration and the packages."""
    monkeypatch.chdir(ROOT)


def documented(node: ast.Module | ast.ClassDef | Function) -> bool:
    """Whether there is a docstring that begins with a sentence."""
    first = (ast.get_docstring(node) or "").partition("\n\n")[0]
    return first.endswith((".", "?", "!", ":")) or ". " in first


def public(tree: ast.Module) -> Iterator[tuple[str, ast.ClassDef | Function]]:
    """The public functions, classes, methods and properties of a module."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                for member in node.body:
                    if isinstance(member, Function) and not member.name.startswith("_"):
                        yield f"{node.name}.{member.name}", member


def imported(node: ast.Import | ast.ImportFrom) -> str:
    """The top-level package that an import statement names; a relative import names ours."""
    if isinstance(node, ast.ImportFrom):
        return "app" if node.level else (node.module or "").split(".")[0]
    return node.names[0].name.split(".")[0]


def caught(handler: ast.ExceptHandler) -> set[str]:
    """The last parts of the names that a handler catches; a bare `except` is BaseException."""
    if handler.type is None:
        return {"BaseException"}
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {ast.unparse(kind).rsplit(".", 1)[-1] for kind in kinds}


def test_every_module_and_public_name_is_documented() -> None:
    """Whoever opens a file reads first what it is for; the product's public names and all modules have docstrings."""
    bare = [module.path for module in modules() if not documented(module.tree)]
    bare += [f"{module.path}:{name}" for module in product().values() for name, node in public(module.tree)
             if not documented(node) and not overload(node)]  # fmt: skip
    assert bare == []


def overload(node: ast.ClassDef | Function) -> bool:
    """Whether a definition only adds to another of its name: an overload, a registered case, a setter."""
    names = {ast.unparse(each).rsplit(".", 1)[-1] for each in node.decorator_list}
    return bool(names & {"overload", "setter", "register"})


def test_modules_and_functions_stay_small() -> None:
    """A file fits in an afternoon and a function in the head, tests included."""
    large = [module.path for module in modules() if len(module.text.splitlines()) > LONGEST_MODULE]
    large += [
        f"{module.path}:{function.name}"
        for module in modules()
        for function in module.functions
        if (function.end_lineno or 0) - function.lineno >= LONGEST_FUNCTION
    ]
    assert large == []


def test_our_own_packages_are_imported_at_the_top() -> None:
    """An import inside a function hides a cycle; for our own packages there is none."""
    hidden = {
        f"{module.path}:{node.lineno}"
        for module in modules()
        for function in module.functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and imported(node) in {*PACKAGES, "harness"}
    }
    assert hidden == set()


def test_only_boundaries_catch_everything() -> None:
    """`except Exception` swallows defects: only the listed boundaries may, and each that is listed still does."""
    found = {
        (name, kind)
        for name, module in product().items()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        for kind in caught(node) & {"Exception", "BaseException"}
    }
    assert found == {(name, "Exception") for name in CATCHES_EVERYTHING} | {
        (name, "BaseException") for name in TIDIES_UP
    }


def test_who_tidies_up_raises_on() -> None:
    """Nothing that catches cancellation keeps it to itself."""
    silent = [
        f"{module.path}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler) and "BaseException" in caught(node)
        if not any(isinstance(last, ast.Raise) and last.exc is None for last in node.body[-1:])
    ]
    assert silent == []


def test_imports_only_point_down(capsys: pytest.CaptureFixture[str]) -> None:
    """Every contract of import-linter in pyproject.toml holds; the report of a broken one names the import."""
    status = lint_imports(no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out
