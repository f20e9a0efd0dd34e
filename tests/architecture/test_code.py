"""Rules for the code: modules are small and documented, imports point down, handlers catch specific exceptions."""

import ast
from collections.abc import Iterator

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports
from support.source_tree import PACKAGES, ROOT, Function, modules, product

LONGEST_MODULE = 400
LONGEST_FUNCTION = 60

CATCHES_EVERYTHING = {
    "app.graph.jobs.expiry_job": "a stopped job would keep what is expired for ever: failures are logged and retried",
    "app.graph.commits.outbox_worker": "a stopped job would leave sensitivity floors: failures are logged and retried",
    "app.graph.admin.index_watch": "without the watch lost documents would stay lost: failures are logged and retried",
    "app.webhooks.webhook_delivery": "the boundary of a webhook: its failure is recorded, and retried after a pause",
    "app.webhooks.webhook_job": "a stopped job would send no webhooks: failures are logged and retried",
    "app.graph.driver.server_watch": "without the watch an ejected server would get no requests again: it is logged",
    "app.runtime.store_watch": "without the watch a broken store would not be restarted: failures are logged",
    "app.store.embedded.embedded_store": "whatever fails a restart may succeed later: it is logged and retried",
    "app.graph.commits.write_log": "without the watch readers would miss changes: failures are logged and retried",
    "app.graph.writing.group_plan": "the boundary of a call: its error must not fail the calls in its transaction",
    "app.graph.writing.group_commit": "the boundary of a call: its error must not fail the calls in its transaction",
    "app.http.health": "a readiness probe that fails for any reason means not ready",
    "app.http.middleware": "the HTTP boundary: an unexpected error becomes a masked 500 and one log line",
    "app.http.websocket.subscription_socket": "the WebSocket boundary: an error or a close code, and one log line",
    "graphql_schema.execution.later_parts": "the error of a part is raised when all parts have ended",
    "graphql_schema.execution.root_write": "the error of a write is raised, unless the client has left",
    "graphql_schema.operation.execution": "the fast path of a leaf failed: stock execution fails again and reports it",
    "app.ingest.hydrate.worker": "the boundary of the worker: a failed attempt with its message, and the next event",
    "app.http.events.event_view": "the HTTP boundary: a masked error, and one log line",
    "app.http.graphql.graphql_view": "the HTTP boundary: a masked GraphQL error, and one log line",
}
"""Modules that may catch `Exception` and continue, each with its reason."""

RELEASES = {
    "app.graph.commits.outbox",
    "app.http.connections.connection_protocols",
    "app.store.embedded.data_lock",
    "app.store.embedded.embedded_store",
    "graphql_schema.execution.side_thread",
}
"""Modules that may catch everything, cancellation included, and raise it again.

They release a process, a lock or a connection, or keep the outbox entries of a transaction that may be stored. The side
thread passes the error of a call to the task that waits for it.
"""


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to the root, where import-linter finds its configuration and the packages."""
    monkeypatch.chdir(ROOT)


def documented(node: ast.Module | ast.ClassDef | Function) -> bool:
    """Return whether the docstring exists and begins with a sentence."""
    first = (ast.get_docstring(node) or "").partition("\n\n")[0]
    return first.endswith((".", "?", "!", ":")) or ". " in first


def public(tree: ast.Module) -> Iterator[tuple[str, ast.ClassDef | Function]]:
    """Yield the public functions, classes, methods and properties of a module with their names."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                for member in node.body:
                    if isinstance(member, Function) and not member.name.startswith("_"):
                        yield f"{node.name}.{member.name}", member


def imported(node: ast.Import | ast.ImportFrom) -> str:
    """Return the top-level package that an import statement names; "app" for a relative import."""
    if isinstance(node, ast.ImportFrom):
        return "app" if node.level else (node.module or "").split(".")[0]
    return node.names[0].name.split(".")[0]


def caught(handler: ast.ExceptHandler) -> set[str]:
    """Return the names of the classes that a handler catches, without packages; a bare `except` is BaseException."""
    if handler.type is None:
        return {"BaseException"}
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {ast.unparse(kind).rsplit(".", 1)[-1] for kind in kinds}


def goes_on_after_limit(node: ast.AST) -> bool:
    """Return whether a node handles an error of a limit, and does not end with `raise`."""
    expected = {"LimitError", "LargeLevelError", "CodedError"}
    return (
        isinstance(node, ast.ExceptHandler)
        and bool(caught(node) & expected)
        and not isinstance(node.body[-1], ast.Raise)
    )


def test_every_module_and_public_name_is_documented() -> None:
    """All modules, and all public names of the product, have a docstring that begins with a sentence."""
    bare = [module.path for module in modules() if not documented(module.tree)]
    bare += [f"{module.path}:{name}" for module in product().values() for name, node in public(module.tree)
             if not documented(node) and not overload(node)]  # fmt: skip
    assert bare == []


def overload(node: ast.ClassDef | Function) -> bool:
    """Return whether a definition extends another one of its name: an overload, a registered case, a setter."""
    names = {ast.unparse(each).rsplit(".", 1)[-1] for each in node.decorator_list}
    return bool(names & {"overload", "setter", "register"})


def test_modules_and_functions_stay_small() -> None:
    """No module has more than 400 lines and no function more than 60, tests included."""
    large = [module.path for module in modules() if len(module.text.splitlines()) > LONGEST_MODULE]
    large += [
        f"{module.path}:{function.name}"
        for module in modules()
        for function in module.functions
        if (function.end_lineno or 0) - function.lineno >= LONGEST_FUNCTION
    ]
    assert large == []


def test_our_own_packages_are_imported_at_the_top() -> None:
    """No function imports one of the product's packages or a helper of the tests: such an import hides a cycle."""
    hidden = {
        f"{module.path}:{node.lineno}"
        for module in modules()
        for function in module.functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and imported(node) in {*PACKAGES, "support"}
    }
    assert hidden == set()


def test_only_boundaries_catch_everything() -> None:
    """Only the listed modules catch `Exception` or `BaseException`, and each listed module still does."""
    found = {
        (name, kind)
        for name, module in product().items()
        for node in module.nodes
        if isinstance(node, ast.ExceptHandler)
        for kind in caught(node) & {"Exception", "BaseException"}
    }
    assert found == {(name, "Exception") for name in CATCHES_EVERYTHING} | {
        (name, "BaseException") for name in RELEASES
    }


def test_caught_cancellation_is_raised_again() -> None:
    """Each handler of `BaseException` ends with a bare `raise`, so that cancellation always arrives at the caller."""
    silent = [
        f"{module.path}:{node.lineno}"
        for module in modules()
        for node in module.nodes
        if isinstance(node, ast.ExceptHandler) and "BaseException" in caught(node)
        if not any(isinstance(last, ast.Raise) and last.exc is None for last in node.body[-1:])
    ]
    assert silent == []


def test_reads_that_go_on_after_a_limit_forget_its_frames() -> None:
    """An error that is handled without being raised leaves a cycle with all that its frames have read."""
    kept = [
        f"{module.path}:{function.name}"
        for name, module in product().items()
        if name.startswith(("app.graph.reading.", "graphql_schema."))
        for function in module.nodes
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        if any(goes_on_after_limit(node) for node in ast.walk(function))
        if "forget_frames(" not in ast.unparse(function)
    ]
    assert kept == []


def test_imports_only_point_down(capsys: pytest.CaptureFixture[str]) -> None:
    """Every import-linter contract of pyproject.toml is kept; the report of a broken one names the import."""
    status = lint_imports(no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out
