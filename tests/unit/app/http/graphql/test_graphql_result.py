"""The response of an execution: its status by media type, the order of its errors, and their number."""

from unittest.mock import Mock

import pytest
from graphql import GraphQLError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from structlog.testing import capture_logs

from app.http import encoded_content
from app.http.connections.departure import Departure
from app.http.graphql.graphql_result import GraphQLResult, build_result
from graphql_schema.ports.operation_budget import MANY_VALUES, OperationBudget
from graphql_schema.ports.turns.gradual_release import GradualRelease
from policies.errors import Code, CodedError, LimitError

GR, JSON = "application/graphql-response+json", "application/json"


def result(data: dict[str, object] | None, *codes: Code, executed: bool = True) -> GraphQLResult:
    """Return a result with errors of some codes."""
    errors = [(GraphQLError("x"), CodedError("No.", code, scope="graph:write")) for code in codes]
    return GraphQLResult(data, executed, errors, {})


@pytest.mark.parametrize(
    ("found", "new", "old"),
    [
        (result({"a": 1}), 200, 200),
        (result({"a": None}, Code.STORE_UNAVAILABLE), 200, 200),
        (result(None, Code.STORE_UNAVAILABLE), 503, 503),
        (result(None, Code.FORBIDDEN), 403, 403),
        (result(None, Code.FORBIDDEN, Code.STORE_UNAVAILABLE), 403, 403),
        (result(None, Code.STORE_UNAVAILABLE, Code.FORBIDDEN), 503, 503),
        (result(None, Code.DENIED), 200, 200),
        (result(None, Code.INVALID, executed=False), 400, 200),
        (result(None, Code.BAD_REQUEST, executed=False), 400, 200),
        (result(None, Code.INTERNAL, executed=False), 500, 500),
        (result(None, Code.STORE_UNAVAILABLE, executed=False), 503, 503),
    ],
)
def test_the_status_depends_on_data_code_and_media_type(found: GraphQLResult, new: int, old: int) -> None:
    """Data is success; a mistake in the document is 400 in the newer media type and 200 in the older one.

    Of several errors, the first by path gives the status.
    """
    assert (found.status(GR), found.status(JSON)) == (new, old)


@pytest.mark.parametrize(
    ("found", "scope"),
    [
        (result(None, Code.FORBIDDEN), "graph:write"),
        (result({"a": None}, Code.FORBIDDEN), None),
        (result(None, Code.DENIED), None),
        (result(None), None),
    ],
)
def test_a_missing_scope_is_named_only_without_data(found: GraphQLResult, scope: str | None) -> None:
    """With data the response is a success, which has no challenge."""
    assert found.missing_scope == scope


def test_a_request_error_has_no_data_and_an_executed_one_has() -> None:
    """The presence of `data` shows whether anything was executed."""
    assert "data" not in result(None, Code.INVALID, executed=False).content("r")
    assert result(None, Code.INVALID).content("r")["data"] is None
    assert result({"a": 1}).content("r") == {"data": {"a": 1}}


@pytest.mark.parametrize(("count", "extensions"), [(5, None), (6, {"errorsOmitted": 1}), (90, {"errorsOmitted": 85})])
def test_five_errors_are_shown_and_the_rest_is_counted(count: int, extensions: dict[str, int] | None) -> None:
    """A list that fails for every item does not make a large response."""
    content = result({}, *[Code.DENIED] * count).content("r")
    errors = content["errors"]
    assert isinstance(errors, list)
    assert len(errors) == 5
    assert content.get("extensions") == extensions


def test_errors_are_ordered_by_path() -> None:
    """The order of completion would disclose how long hidden values took; indexes are ordered as numbers."""
    paths: list[list[str | int]] = [["b"], ["a", 10, "x"], ["a", 9, "x"], ["a"]]
    errors = [GraphQLError("x", path=path, original_error=CodedError("No.", Code.DENIED)) for path in paths]
    found = build_result(ExecutionResult(data={}, errors=errors), "r", "{ a }", suggestions=False)
    assert [error.path for error, _ in found.errors] == [["a"], ["a", 9, "x"], ["a", 10, "x"], ["b"]]


def test_a_defect_is_masked_and_logged_once() -> None:
    """The response has the request id only, and one log line has all causes."""
    errors = [GraphQLError("x", path=[name], original_error=RuntimeError("canary")) for name in "ab"]
    with capture_logs() as logs:
        found = build_result(ExecutionResult(data=None, errors=errors), "r1", "{ a b }", suggestions=False)
    assert {error.code for _, error in found.errors} == {Code.INTERNAL}
    assert "canary" not in str(found.content("r1"))
    assert "request id r1" in str(found.content("r1"))
    assert len(logs) == 1


def test_an_error_before_execution_is_a_request_error() -> None:
    """A document that does not parse was not executed."""
    found = build_result(PreExecutionError(None, [GraphQLError("Syntax Error")]), "r", "{", suggestions=False)
    assert not found.executed
    assert build_result(ExecutionResult(data=None, errors=[]), "r", "{ a }", suggestions=False).executed


@pytest.mark.parametrize("more", [0, 1])
async def test_much_data_is_freed_in_turns(monkeypatch: pytest.MonkeyPatch, more: int) -> None:
    """Half a million objects would be freed when the response is sent, in one callback of 60 ms."""
    freed = list[object]()
    monkeypatch.setattr(GradualRelease, "free_response", lambda _, data: freed.append(data))
    budget = OperationBudget()
    budget.values = MANY_VALUES + more
    found = result({"a": 1})
    assert (await found.response("r", JSON, budget, Departure(Mock()))).status_code == 200
    assert freed == [found.data] * more


async def test_the_bytes_of_a_long_response_count_as_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """They count piece by piece, so that an error takes the place of a response before all of it is made."""
    monkeypatch.setattr(encoded_content, "LARGE", 0)
    monkeypatch.setattr(encoded_content, "PIECE", 10)
    budget, counted = OperationBudget(), list[int]()

    def count(_budget: OperationBudget, size: int) -> None:
        counted.append(size)
        if sum(counted) > 50:
            raise LimitError("Too much.", limit="callerMemory", maximum=50)

    monkeypatch.setattr(OperationBudget, "count_response", count)
    found = result({"a": "x" * 20})
    body = (await found.response("r", JSON, budget, Departure(Mock()))).body
    assert sum(counted) == len(body)
    with pytest.raises(LimitError):
        await result({"a": "x" * 1_000}).response("r", JSON, budget, Departure(Mock()))
    assert sum(counted) < 100
