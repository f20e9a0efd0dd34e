"""Commands that update an existing asset."""

from types import SimpleNamespace

import pytest

from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import TAGGED
from graphql_schema.inputs.updates import require_bounded, update_command
from graphql_schema.inputs.values import InputError
from graphql_schema.ports.commands import DeclaredEdges, RegisterCommand
from policies.vocabulary import WriteAction

MODEL = "mlg://model/mlflow/default/ranker"
GIVEN = SimpleNamespace(asset=MODEL, expected_revision=4)


def test_an_update_is_a_registration_with_an_action() -> None:
    """The asset must exist, so the command has an action, the right that it needs, and the field of its id."""
    edges = DeclaredEdges(TAGGED.out(), "Model.tags", {})
    command = update_command(GIVEN, ChangeAction.TAGGED, WriteAction.TAG, edges, reason="cleanup")
    assert command == RegisterCommand(
        MODEL,
        {},
        (edges,),
        expected_revision=4,
        action=ChangeAction.TAGGED,
        right="tag",
        id_path="asset",
        reason="cleanup",
    )


def test_an_update_may_set_values() -> None:
    """Values are stored as by a registration."""
    command = update_command(GIVEN, ChangeAction.STAGE_SET, WriteAction.UPDATE, values={"stage": "DRAFT"})
    assert (command.values, command.edges, command.right) == ({"stage": "DRAFT"}, (), "update")


def test_a_field_holds_at_most_5000_ids() -> None:
    """The targets are returned; one more is refused with the field."""
    targets: dict[str, object] = {str(number): {} for number in range(5_000)}
    assert require_bounded(targets, "add") is targets
    with pytest.raises(InputError, match="names 5001 different ids") as refused:
        require_bounded({**targets, "more": {}}, "add")
    assert refused.value.path == ("add",)
