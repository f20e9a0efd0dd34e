"""Approvals as a viewer sees them, and the command of ``approve`` with its refusals."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.ports.commands import ApproveCommand

Run = Callable[..., Awaitable[ExecutionResult]]
VERSION = "mlg://model-version/test/default/ranker@1"
NODE = "query ($id: ID!) { node(id: $id) { ... on Approval { decidedBySubject decidedBy { name } subject { id } } } }"
APPROVE = """mutation ($input: ApproveInput!) { approve(input: $input) {
  approval { gate } errors { code message inputPath } } }"""


def approval(graph: PlainGraph, decided_by: str, user: str | None = None) -> str:
    """Add a decision about the version and return its id."""
    made = {"decidedBy": decided_by, **({} if user is None else {"decidedByUser": user})}
    return graph.add("APPROVAL", "a1", subjects=[VERSION], gate="release", decision="APPROVED", **made)


async def test_a_decision_names_its_subject_and_the_registered_user(run: Run, graph: PlainGraph) -> None:
    """The user is the one that the token of the approver named."""
    graph.add("MODEL_VERSION", "ranker", version="1")
    user = "mlg://user/directory/default/eli"
    graph.records[user] = {"id": user, "kind": "USER", "name": "eli", "displayName": "Eli"}
    found = await run(NODE, id=approval(graph, "eli", user))
    assert found.errors is None
    assert found.data["node"] == {
        "decidedBySubject": "eli",
        "decidedBy": {"name": "eli"},
        "subject": {"id": VERSION},
    }


@pytest.mark.parametrize("user", ["mlg://user/catalog/default/stranger", None])
async def test_an_approver_who_is_no_registered_user_is_shown_as_text(
    run: Run, graph: PlainGraph, user: str | None
) -> None:
    """An unregistered user, and a subject that no user can have as its name, is no error."""
    found = await run(NODE, id=approval(graph, "x" * 5_000, user))
    assert found.errors is None
    assert found.data["node"] == {"decidedBySubject": "x" * 5_000, "decidedBy": None, "subject": None}


async def test_the_command_has_what_was_given(run: Run, graph: PlainGraph) -> None:
    """The expiry is in epoch milliseconds, and an empty reason is none."""
    given = {
        "subject": VERSION,
        "gate": "release",
        "decision": "REVOKED",
        "reason": "",
        "expiresAt": "2027-01-01T00:00:00Z",
        "expectedRevision": 3,
        "references": "EXISTING",
    }
    assert (await run(APPROVE, input=given)).errors is None
    ((sent,), _, _) = graph.registered[0]
    assert sent == ApproveCommand(
        VERSION, "release", "REVOKED", None, 1_798_761_600_000, expected_revision=3, only_known=True
    )


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        ({"subject": "mlg://model/test/default/m"}, ["subject"], "is a Model; use the id of a Dataset or "),
        ({"subject": "x"}, ["subject"], "x"),
        ({"gate": "to production"}, ["gate"], "`gate` is 'to production'"),
        ({"reason": "x" * 4_001}, ["reason"], "longer than 4000"),
        ({"idempotencyKey": ""}, ["idempotencyKey"], "needs 1 to 255 characters"),
    ],
)
async def test_an_invalid_decision_is_refused_at_its_field(
    run: Run, graph: PlainGraph, given: dict[str, Any], path: list[str], message: str
) -> None:
    """The writer is not called, and the error names the field."""
    usual = {"subject": VERSION, "gate": "release", "decision": "APPROVED"}
    found = await run(APPROVE, input={**usual, **given})
    assert found.errors is None
    (error,) = found.data["approve"]["errors"]
    assert (error["code"], error["inputPath"]) == ("INVALID", path)
    assert message in error["message"]
    assert graph.registered == []


@pytest.mark.parametrize("kind", ["model-version", "deployment", "dataset", "dataset-version"])
async def test_decisions_are_about_four_kinds(run: Run, graph: PlainGraph, kind: str) -> None:
    """Versions, deployments and data can be approved."""
    version = "@1" if kind.endswith("version") else ""
    subject = f"mlg://{kind}/test/default/x{version}"
    found = await run(APPROVE, input={"subject": subject, "gate": "release", "decision": "APPROVED"})
    assert (found.errors, found.data["approve"]["errors"]) == (None, [])
    assert len(graph.registered) == 1
