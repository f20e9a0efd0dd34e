"""Links: one edge that is declared or ended by itself."""

# mypy: disable-error-code="arg-type, index"
# An ID is written as plain text, and a response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.catalog.enums import EdgeOrigin, RelationName
from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import PropertyInput
from graphql_schema.inputs.values import InputError
from graphql_schema.lineage.link_mutations import LinkInput, linking_steps
from graphql_schema.ports.commands import LinkCommand, UnlinkCommand

Run = Callable[..., Awaitable[ExecutionResult]]
DATA = "mlg://dataset/test/default/clicks"
MODEL = "mlg://model/test/default/ranker"
VERSION = "mlg://model-version/test/default/ranker@3"
RUN = "mlg://run/test/default/r1"
FLOW = "mlg://workflow/test/default/nightly"
LINK = """mutation ($input: LinkInput!) { link(input: $input) { changed edge { id from: from to relation origin }
  errors { code inputPath } } }"""
UNLINK = "mutation ($input: UnlinkInput!) { unlink(input: $input) { changed errors { code inputPath } } }"


def link(relation: RelationName, source: str, target: str, **values: Any) -> LinkInput:
    """Return the input of a link."""
    return LinkInput(relation=relation, from_=source, to=target, **values)


def linking_of(given: LinkInput) -> LinkCommand:
    """Return the command of a link, made without a pause."""
    return run_at_once(linking_steps(given))


def test_a_link_becomes_an_edge_with_its_values() -> None:
    """Given values are those of the edge, a null clears, and the origin is DECLARED unless another is given."""
    given = link(RelationName["FEEDS"], DATA, MODEL, confidence=0.5, run_id=None)
    assert linking_of(given) == LinkCommand(
        "FEEDS", DATA, MODEL, {"confidence": 0.5, "runId": None, "origin": "DECLARED"}
    )
    assert (
        linking_of(link(RelationName["FEEDS"], DATA, MODEL, origin=EdgeOrigin.OBSERVED)).values["origin"] == "OBSERVED"
    )
    assert linking_of(link(RelationName["FEEDS"], DATA, MODEL, origin=None)).values["origin"] == "DECLARED"


def test_declassify_is_stored_under_another_name() -> None:
    """The field requests an action, and the edge has a state."""
    given = link(RelationName["FEEDS"], DATA, MODEL, declassify=True, properties=[PropertyInput(key="a", value="1")])
    assert linking_of(given).values == {
        "declassified": True,
        "properties": [{"key": "a", "value": "1"}],
        "origin": "DECLARED",
    }


def test_a_lineage_edge_may_lead_to_its_own_begin() -> None:
    """An incremental table reads itself (design 3.6)."""
    assert linking_of(link(RelationName["DERIVES"], DATA, DATA)).target == DATA


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        (link(RelationName["FEEDS"], DATA, RUN), ("to",), "is a Run"),
        (link(RelationName["PRODUCES"], "mlg://service/a/b/c", VERSION), ("to",), "is a ModelVersion"),
        (link(RelationName["FEEDS"], RUN, MODEL), ("from",), "is a Run"),
        (link(RelationName["FEEDS"], DATA, "x"), ("to",), "not an id"),
        (link(RelationName["FEEDS"], DATA, MODEL, run_id="nightly"), ("runId",), "not an id"),
        (link(RelationName["FEEDS"], DATA, MODEL, run_id=FLOW), ("runId",), "is a Workflow"),
        (link(RelationName["FEEDS"], DATA, MODEL, confidence=1.1), ("confidence",), "is 1.1"),
        (
            link(RelationName["FEEDS"], DATA, MODEL, valid_from=Instant(2), valid_to=Instant(1)),
            ("validTo",),
            "before `validFrom`",
        ),
        (link(RelationName["CONTAINS"], FLOW, FLOW), ("to",), "itself"),
        (link(RelationName["VERSION_OF"], VERSION, "mlg://model/test/default/x"), ("to",), MODEL),
    ],
)
def test_an_edge_that_the_catalog_does_not_allow_is_refused(
    given: LinkInput, path: tuple[str, ...], message: str
) -> None:
    """The error leads to the wrong end or value; a version belongs to the asset that its id names."""
    with pytest.raises(InputError) as refused:
        linking_of(given)
    assert refused.value.path == path
    assert message in refused.value.message


@pytest.mark.parametrize(
    ("relation", "source", "target"), [("FEEDS", DATA, MODEL), ("PRODUCES", RUN, MODEL.replace("model", "dataset"))]
)
async def test_a_link_returns_the_stored_edge(
    run: Run, graph: PlainGraph, relation: str, source: str, target: str
) -> None:
    """The edge is read from the end that declares it; an edge to another asset is not returned."""
    for kind, name in (("DATASET", "clicks"), ("MODEL", "ranker"), ("RUN", "r1"), ("DATASET", "ranker")):
        graph.add(kind, name)
    graph.join(relation, source, graph.add("MODEL" if relation == "FEEDS" else "DATASET", "another"))
    graph.join(relation, graph.add("DATASET" if relation == "FEEDS" else "RUN", "other"), target)
    graph.join(relation, source, target, **{"from": source, "to": target})
    found = await run(LINK, input={"relation": relation, "from": source, "to": target})
    assert found.errors is None
    edge = {"id": graph.edge_id(relation, source, target), "from": source, "to": target}
    assert found.data["link"] == {
        "changed": True,
        "edge": {**edge, "relation": relation, "origin": "DECLARED"},
        "errors": [],
    }
    assert graph.registered[0][0] == [LinkCommand(relation, source, target, {"origin": "DECLARED"})]


async def test_a_link_to_something_hidden_returns_no_edge(run: Run, graph: PlainGraph) -> None:
    """The edge is null where the viewer does not see its end, or where it has ended."""
    graph.add("MODEL", "ranker")
    found = await run(LINK, input={"relation": "FEEDS", "from": DATA, "to": MODEL})
    assert found.data["link"] == {"changed": True, "edge": None, "errors": []}


async def test_a_refused_link_writes_nothing(run: Run, graph: PlainGraph) -> None:
    """The error is data of the payload, and no edge is returned, whichever the store has."""
    for kind, name in (("RUN", "r1"), ("MODEL", "ranker")):
        graph.add(kind, name)
    graph.join("FEEDS", RUN, MODEL)
    found = await run(LINK, input={"relation": "FEEDS", "from": RUN, "to": MODEL})
    assert found.data["link"] == {
        "changed": False,
        "edge": None,
        "errors": [{"code": "INVALID", "inputPath": ["from"]}],
    }
    assert graph.registered == []


async def test_an_unlink_ends_an_edge_now_or_at_an_instant(run: Run, graph: PlainGraph) -> None:
    """The ends are checked as those of a link."""
    given = {"relation": "FEEDS", "from": DATA, "to": MODEL}
    assert (await run(UNLINK, input=given)).data["unlink"] == {"changed": True, "errors": []}
    await run(UNLINK, input={**given, "validTo": "1970-01-01T00:00:05Z"})
    assert [items for items, _, _ in graph.registered] == [
        [UnlinkCommand("FEEDS", DATA, MODEL)],
        [UnlinkCommand("FEEDS", DATA, MODEL, 5_000)],
    ]
    refused = await run(UNLINK, input={**given, "to": RUN})
    assert refused.data["unlink"]["errors"] == [{"code": "INVALID", "inputPath": ["to"]}]
