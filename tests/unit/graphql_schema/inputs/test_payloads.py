"""Payloads: the outcome of an item as the source of a GraphQL type."""

from types import SimpleNamespace
from typing import cast

import pytest
from support.stores.plain_reader import PlainGraph

from graphql_schema.fields.context import Info
from graphql_schema.inputs.payloads import payload, resolve_created_record
from graphql_schema.ports.outcomes import MutationErrorCode, Outcome, WriteError, WriteOutcome

MODEL = "mlg://model/test/default/ranker"


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_a_created_or_updated_item_has_changed(outcome: Outcome) -> None:
    """An unchanged item was stored before, and any other was not written."""
    found = payload(WriteOutcome(outcome))
    assert found["outcome"] == outcome.name
    assert found["changed"] is (outcome.name in {"CREATED", "UPDATED"})


def test_a_payload_has_the_asset_of_its_outcome() -> None:
    """If the outcome names no asset, the default of the caller counts."""
    assert payload(WriteOutcome(Outcome.CREATED, MODEL, 3))["urn"] == MODEL
    assert payload(WriteOutcome(Outcome.CREATED, MODEL, 3))["revision"] == 3
    assert payload(WriteOutcome(Outcome.DENIED), urn=MODEL)["urn"] == MODEL
    assert payload(WriteOutcome(Outcome.DENIED))["urn"] is None


def test_the_path_of_an_error_begins_with_the_path_of_its_item() -> None:
    """The path leads from the input of the mutation to the wrong value."""
    error = WriteError(MutationErrorCode.CONFLICT, "Revision 4.", ("owners", "0"), current_revision=4)
    found = payload(WriteOutcome(Outcome.CONFLICT, errors=(error,)), "items", "7")
    assert found["errors"] == [
        {
            "code": "CONFLICT",
            "message": "Revision 4.",
            "inputPath": ["items", "7", "owners", "0"],
            "suggestions": [],
            "currentRevision": 4,
        }
    ]


async def test_a_created_record_is_read_as_its_viewer_sees_it() -> None:
    """A call that created none has a null, and so has one whose record is hidden."""
    graph = PlainGraph()
    urn = graph.add("INCIDENT", "i1")
    info = cast("Info", SimpleNamespace(context=SimpleNamespace(reader=graph)))
    created = payload(WriteOutcome(Outcome.CREATED, created_record=urn))
    assert (await resolve_created_record(created, info)).urn == urn
    hidden = payload(WriteOutcome(Outcome.CREATED, created_record="mlg://incident/test/default/hidden"))
    for source in (hidden, payload(WriteOutcome(Outcome.DENIED))):
        assert await resolve_created_record(source, info) is None
