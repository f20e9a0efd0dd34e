"""The version that an alias pointed at in the past, from plain changes of its model."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

Run = Callable[..., Awaitable[ExecutionResult]]
QUERY = """query ($id: ID!, $t: DateTime!) { asset(id: $id) { ... on Model {
  version(alias: "champion", asOf: $t) { version } } } }"""


def entry(after: str | None, alias: str = "champion") -> dict[str, Any]:
    """Return the entry of an alias that now points at a version, or is removed."""
    return {"field": "aliases", "part": alias, "before": None, "after": after and {"version": after}}


class Ranker:
    """A model with two versions, and changes of it."""

    def __init__(self, graph: PlainGraph) -> None:
        self.graph = graph
        self.one, self.two = (graph.add("MODEL_VERSION", "ranker", version=name) for name in ("1", "2"))
        self.model = graph.add("MODEL", "ranker")

    def change(self, order: int, *entries: dict[str, Any], **values: int) -> None:
        """Add a change with its place in the order, in seconds, which is its date unless ``madeAt`` is given."""
        urn = self.graph.add("CHANGE", f"c{order}", createdAt=order * 1000, fields=[*entries], **values)
        self.graph.join("CHANGED", urn, self.model, at=order)


@pytest.fixture
def ranker(graph: PlainGraph) -> Ranker:
    """Return a model without changes."""
    return Ranker(graph)


async def at(run: Run, ranker: Ranker, second: int) -> str | None:
    """Return the name of the version at a second of the minute 0."""
    found = await run(QUERY, id=ranker.model, t=f"1970-01-01T00:00:{second:02d}Z")
    assert found.errors is None
    shown = found.data["asset"]["version"]
    return shown and str(shown["version"])


async def test_the_last_entry_of_the_alias_counts(run: Run, ranker: Ranker) -> None:
    """Entries of other aliases and fields are passed over; of two entries of one change the later one counts."""
    ranker.change(10, entry(ranker.one))
    ranker.change(20, entry(ranker.two, "other"), {"field": "task", "before": None, "after": "x"})
    ranker.change(30, entry(None), entry(ranker.two))
    ranker.change(40, entry(None))
    assert [await at(run, ranker, second) for second in (9, 10, 29, 30, 39, 40)] == [None, "1", "1", "2", "2", None]


async def test_a_change_counts_from_its_date(run: Run, ranker: Ranker) -> None:
    """A change whose place in the order is ahead of its date, after a clock was set back, counts from its date."""
    ranker.change(10, entry(ranker.one))
    ranker.change(50, entry(ranker.two), madeAt=20_000)
    assert [await at(run, ranker, second) for second in (19, 20)] == ["1", "2"]


async def test_a_deleted_version_was_served_until_its_deletion(run: Run, ranker: Ranker) -> None:
    """A version is returned until it was deleted; if the instant of its deletion is hidden, at no instant."""
    ranker.graph.records[ranker.one]["deletedAt"] = 20_000
    ranker.change(10, entry(ranker.one))
    assert [await at(run, ranker, second) for second in (19, 20)] == ["1", None]
    ranker.graph.hidden = {"MODEL_VERSION": {"deletedAt"}}
    assert await at(run, ranker, 19) is None


async def test_a_hidden_history_has_no_alias(run: Run, ranker: Ranker) -> None:
    """The past of an alias is part of the history; a caller from whom that is hidden gets null."""
    ranker.change(10, entry(ranker.one))
    ranker.graph.hidden = {"MODEL": {"history"}}
    assert await at(run, ranker, 11) is None
    assert ranker.graph.report.hidden
