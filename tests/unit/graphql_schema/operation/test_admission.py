"""Admission: documents over a limit are refused before validation."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from enum import Enum
from itertools import repeat
from types import ModuleType
from typing import Any

import pytest
import strawberry
from graphql import validate
from support.estates.wide_lineage import noted_threads
from support.stores.plain_reader import PlainGraph

from graphql_schema.execution.side_thread import run_aside
from graphql_schema.fields.context import Context
from graphql_schema.operation import admission, coerced_variables, parsed_documents
from graphql_schema.operation.limited_schema import OperationSchema
from policies.errors import CodedError
from policies.principal import Principal


@strawberry.enum
class Kind(Enum):
    """One value."""

    ONLY = "ONLY"


@strawberry.type
class Query:
    """A type with a nested field, so that fragments can nest."""

    @strawberry.field
    def x(self) -> int:
        """Return a number."""
        return 1

    @strawberry.field
    def count(self, of: list[int] | None = None, kinds: list[Kind] | None = None) -> int:
        """Return a number."""
        return len(of or kinds or ())

    @strawberry.field
    def q(self) -> "Query":
        """Return a nested object."""
        return Query()


MANY = "query ($given: [Int!]!) { count(of: $given) }"


async def refusals(document: str, operation_name: str | None = None) -> list[tuple[str, object]]:
    """Return the code and the limit of each error."""
    result = await OperationSchema(Query).execute(document, operation_name=operation_name)
    causes = [error.original_error for error in result.errors or []]
    return [(str(c.code), c.extensions.get("limit")) for c in causes if isinstance(c, CodedError)]


def doubled(levels: int) -> str:
    """Return a document of fragments that each spread the next one twice."""
    links = "".join(f"fragment F{i} on Query{{...F{i + 1} ...F{i + 1}}}" for i in range(levels))
    return f"{{...F0}}{links}fragment F{levels} on Query{{x}}"


@pytest.mark.parametrize(
    ("document", "limit"),
    [
        (doubled(20), "fields"),
        (doubled(300), "fields"),
        ("{" + "b: x " * 31 + "}", "aliases"),
        ("{" + "q{" * 12 + "x" + "}" * 13, "depth"),
        ("{" + "x @skip(if: false) " * 51 + "}", "directives"),
        ("{" + "x " * 4_000 + "}", "tokens"),
        ("{" + "q{x} " * 990 + "}", "comparisons"),
        ("#\n" * 4_001 + "{ x }", "tokens"),
        ("{ x(a: " + "[" * 1_900 + "]" * 1_900 + ") }", "tokens"),
        ("{ x(a: " + "{a: " * 900 + "1" + "}" * 900 + ") }", "tokens"),
        ("query ($a: " + "[" * 1_900 + "Int" + "]" * 1_900 + ") { x }", "tokens"),
        ("{" + "q{" * 1_900 + "x" + "}" * 1_901, "tokens"),
    ],
)
async def test_a_document_over_a_limit_is_refused(document: str, limit: str) -> None:
    """The response is LIMIT_EXCEEDED with the name of the limit, and nothing else; so it is beyond the stack."""
    assert await refusals(document) == [("LIMIT_EXCEEDED", limit)]


async def test_limits_are_checked_before_validation() -> None:
    """An oversized document with validation errors has the error of the limit alone, since it was not validated."""
    result = await OperationSchema(Query).execute("{" + "b: nothing " * 31 + "}")
    assert [str(error.message).split(";")[0] for error in result.errors or []] == ["The limit of aliases is 30"]


async def test_validation_still_runs() -> None:
    """The rules of graphql-core apply to every admitted document."""
    result = await OperationSchema(Query).execute("{ nothing }")
    assert [error.message for error in result.errors or []] == ["Cannot query field 'nothing' on type 'Query'."]


async def test_a_document_within_the_limits_runs() -> None:
    """An ordinary document with fragments is executed."""
    result = await OperationSchema(Query).execute(doubled(5))
    assert (result.errors, result.data) == (None, {"x": 1})


async def test_large_fragments_of_ordinary_documents_merge() -> None:
    """The bound on comparisons is high enough for a fragment of 60 fields that is spread on three levels."""
    fields = " ".join(f"...F{i}" for i in range(60))
    parts = " ".join(f"fragment F{i} on Query {{ x }}" for i in range(60))
    document = f"{{ ...All q {{ ...All q {{ ...All }} }} }} fragment All on Query {{ {fields} }} {parts}"
    assert await refusals(document) == []


async def test_several_operations_need_a_name() -> None:
    """Without a name Strawberry would execute the first operation."""
    document = "query A { x } query B { q { x } }"
    assert await refusals(document) == [("BAD_REQUEST", None)]
    assert await refusals(document, "B") == []


async def test_of_operations_of_one_name_one_is_priced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short operation costs what its variables cost, so none is measured that the validation refuses."""
    examined: list[str] = []
    for work in ("variable_breaches", "cost_breaches"):
        function = getattr(admission, work)

        def counted(*arguments: Any, work: str = work, function: Any = function) -> Any:
            examined.append(work)
            return function(*arguments)

        monkeypatch.setattr(admission, work, counted)
    result = await OperationSchema(Query).execute("query A { x }" * 4, operation_name="A")
    assert examined == ["variable_breaches", "cost_breaches"]
    assert [error.message for error in result.errors or []] == ["There can be only one operation named 'A'."] * 3


async def test_documents_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Strawberry's own logger would write the text of a document, which may contain secrets."""
    with caplog.at_level(logging.DEBUG):
        await OperationSchema(Query).execute("{ nothing }")
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("module", "work", "text"),
    [
        (parsed_documents, "parsed", "{ x } #" + "-" * parsed_documents.LONG_DOCUMENT),
        (admission, "breaches", "{ x } #" + "-" * parsed_documents.LONG_DOCUMENT),
        (admission, "cost_breaches", "{ x } #" + "-" * parsed_documents.LONG_DOCUMENT),
        (admission, "validate", "{ x } #" + "-" * parsed_documents.LONG_DOCUMENT),
        (admission, "variable_breaches", MANY),
        (coerced_variables, "divided_coercion", MANY),
        (coerced_variables, "variable_faults", MANY.replace("Int", "Kind").replace("of:", "kinds:")),
    ],
)
async def test_others_run_during_long_work(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, work: str, text: str
) -> None:
    """Each step for a long document or for many variables waits for another task, so the loop goes on meanwhile."""
    ran = threading.Event()
    function = getattr(module, work)

    def wait(*arguments: Any, **options: Any) -> Any:
        assert ran.wait(30), "The event loop did not run the other task."
        return function(*arguments, **options)

    monkeypatch.setattr(module, work, wait)
    asyncio.get_running_loop().call_soon(ran.set)
    result = await OperationSchema(Query).execute(text, {"given": [1] * (coerced_variables.LONG_VARIABLES + 1)})
    assert [str(error.message)[:30] for error in result.errors or []] == [
        f"`kinds[{index}]` is `1`; use a value"[:30] for index in range(25) if "Kind" in text
    ]


@pytest.mark.parametrize(
    ("module", "work"),
    [
        (admission, "variable_breaches"),
        (coerced_variables, "divided_coercion"),
        (coerced_variables, "variable_faults"),
    ],
)
async def test_no_part_follows_the_end_of_the_operation(
    monkeypatch: pytest.MonkeyPatch, graph: PlainGraph, ada: Principal, module: ModuleType, work: str
) -> None:
    """The client leaves during long work on its variables: the error of its departure ends the operation."""
    context = Context(ada, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0)
    left = CodedError("The client has left.")

    def long_work(*_: Any) -> Iterator[None]:
        context.budget.end(left)
        yield from repeat(None, 1_000_000)
        raise AssertionError("The work went on to its end.")

    monkeypatch.setattr(module, work, long_work)
    given = {"given": [1] * coerced_variables.LONG_VARIABLES + ["x"]}
    result = await OperationSchema(Query).execute(MANY, given, context_value=context)
    assert [error.original_error for error in result.errors or []] == [left]


async def test_an_unknown_document_is_validated_in_the_side_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its validation can take 50 ms, also if it is short. A document that is known is not validated again."""
    noted = noted_threads(monkeypatch, admission, "breaches")
    schema = OperationSchema(Query)
    for threads in ({("breaches", await run_aside(threading.get_ident))}, set[tuple[str, int]]()):
        noted.clear()
        assert (await schema.execute("{ x }")).errors is None
        assert noted == threads


async def test_unknown_documents_are_examined_in_turns(graph: PlainGraph, ada: Principal) -> None:
    """Many documents of one caller arrive at once over a WebSocket; the context decides when each has its turn."""
    turns: list[str] = []

    @asynccontextmanager
    async def turn() -> AsyncIterator[None]:
        turns.append("begin")
        yield
        turns.append("end")

    schema = OperationSchema(Query)
    for text, begun in (("{ x }", 2), ("{ x }", 0), ("{ nothing }", 2), ("{ nothing }", 2)):
        turns.clear()
        context = Context(ada, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0, document_turn=turn)
        await schema.execute(text, context_value=context)
        assert turns == ["begin", "end"] * begun


@pytest.mark.parametrize(
    ("text", "examined"),
    [
        ("query ($given: [Int!]!) { count(of: $given) }", ["ada"]),
        ("{ count(of: [12345]) }", ["ada", "bo"]),
        ("{ nothing(of: 12345) }", ["ada", "ada", "bo"]),
    ],
)
async def test_no_document_with_a_value_is_known_by_another_caller(
    monkeypatch: pytest.MonkeyPatch, graph: PlainGraph, ada: Principal, text: str, examined: list[str]
) -> None:
    """Nothing that was parsed or validated for one caller makes the same text faster for another who guesses it."""
    calls, parses = list[str](), list[str]()
    schema, parsed = OperationSchema(Query), parsed_documents.parsed

    def validating(*args: Any, **options: Any) -> Any:
        calls.append(caller.subject)
        return validate(*args, **options)

    def parsing(*args: Any) -> Any:
        parses.append(caller.subject)
        return parsed(*args)

    monkeypatch.setattr(admission, "validate", validating)
    monkeypatch.setattr(parsed_documents, "parsed", parsing)
    for caller in (ada, ada, replace(ada, subject="bo")):
        context = Context(caller, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0)
        assert not await schema.is_mutation(text, None, (caller.tenant, caller.subject))
        await schema.execute(text, {"given": [1]}, context_value=context)
        assert schema.kept_document(text, (caller.tenant, caller.subject)) is not None
    assert calls == examined
    assert parses == sorted({*examined})
    assert schema.kept_document(text, ("other", "ada")) is None


async def test_the_number_of_errors_is_bounded() -> None:
    """A document of unknown fields has the first errors, and one that says that there are more."""
    result = await OperationSchema(Query).execute("{" + " ".join(f"z{number}" for number in range(100)) + "}")
    errors = result.errors or []
    assert len(errors) == admission.MAX_ERRORS + 1
    assert "Too many validation errors" in errors[-1].message
