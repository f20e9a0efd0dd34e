"""``asOf``: one read time for a complete operation."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.fields.context import Context
from graphql_schema.ports.protocols import GraphReader
from graphql_schema.schema import GraphSchema
from policies.principal import Principal

NOW = 1_795_500_000_000
YESTERDAY, ITS_TEXT = 1_795_413_600_000, "2026-11-23T06:00:00Z"
MODEL = "mlg://model/test/default/ranker"
THEN = f'asset(id: "{MODEL}", asOf: "{ITS_TEXT}") {{ id }}'
PRESENT = "teams { totalCount }"

ReadTimes = Callable[..., Awaitable[list[int | None] | str]]


@pytest.fixture
def read_times(schema: GraphSchema, graph: PlainGraph, ada: Principal) -> ReadTimes:
    """Return a function that runs a document, and gives the read times of its readers, or the code of its error."""
    graph.add("MODEL", "ranker")

    async def read_times(document: str, **variables: object) -> list[int | None] | str:
        opened: list[int | None] = []

        def open_reader(_caller: Principal, as_of: int | None) -> GraphReader:
            opened.append(as_of)
            return graph

        context = Context(ada, open_reader, graph, graph.report, b"k" * 32, clock=lambda: NOW)
        found = await schema.execute(document, variable_values=variables, context_value=context)
        assert isinstance(found, ExecutionResult)
        return opened if found.errors is None else str(found.errors[0].extensions["code"])

    return read_times


@pytest.mark.parametrize(
    "document",
    [
        f"{{ {THEN} }}",
        f"{{ ... {{ {THEN} }} }}",
        f"{{ ...F }} fragment F on Query {{ {THEN} }}",
        f"{{ __typename viewer {{ subject }} {THEN} }}",
        f"{{ a: {THEN} b: {THEN} }}",
        f"{{ {THEN} teams @include(if: false) {{ totalCount }} }}",
        f"{{ {THEN} teams @skip(if: true) {{ totalCount }} }}",
        f"query ($no: Boolean = false) {{ {THEN} teams @include(if: $no) {{ totalCount }} }}",
        f'query ($t: DateTime) {{ asset(id: "{MODEL}", asOf: $t) {{ id }} }}',
    ],
)
async def test_an_operation_reads_at_the_instant_that_its_fields_give(read_times: ReadTimes, document: str) -> None:
    """Literal or variable, in fragments as well; ``viewer`` reads the present, and a skipped field does not count."""
    expected = [None, YESTERDAY] if "viewer" in document else [YESTERDAY]
    assert await read_times(document, t=ITS_TEXT) == expected


@pytest.mark.parametrize(
    "document",
    [
        f'{{ asset(id: "{MODEL}") {{ id }} }}',
        f'{{ asset(id: "{MODEL}", asOf: null) {{ id }} {PRESENT} }}',
        f'query ($t: DateTime) {{ asset(id: "{MODEL}", asOf: $t) {{ id }} }}',
    ],
)
async def test_without_an_instant_an_operation_reads_the_present(read_times: ReadTimes, document: str) -> None:
    """An absent argument, a null one and an absent variable are the same, and open no second reader."""
    assert await read_times(document) == [None]


@pytest.mark.parametrize(
    "document",
    [
        f'{{ {THEN} node(id: "{MODEL}") {{ id }} }}',
        f"{{ {THEN} {PRESENT} }}",
        f'query ($t: DateTime) {{ asset(id: "{MODEL}", asOf: $t) {{ id }} {PRESENT} }}',
        f"{{ {THEN} teams @include(if: true) {{ totalCount }} }}",
        f"{{ {THEN} ... {{ {PRESENT} }} }}",
        f'{{ {THEN} later: asset(id: "{MODEL}", asOf: "2026-11-23T06:00:00.001Z") {{ id }} }}',
    ],
)
async def test_fields_of_an_operation_must_agree_on_the_instant(read_times: ReadTimes, document: str) -> None:
    """Clients cache what they read by id, so one response never contains an asset of two instants."""
    assert await read_times(document, t=ITS_TEXT) == "INVALID"


@pytest.mark.parametrize(("instant", "accepted"), [("2026-11-24T06:05:00Z", True), ("2026-11-24T06:05:00.001Z", False)])
async def test_an_instant_may_be_five_minutes_ahead(read_times: ReadTimes, instant: str, *, accepted: bool) -> None:
    """The clock of a client may be ahead by so much; a later instant is refused."""
    found = await read_times(f'{{ asset(id: "{MODEL}", asOf: "{instant}") {{ id }} }}')
    assert found == ([NOW + 300_000] if accepted else "INVALID")
