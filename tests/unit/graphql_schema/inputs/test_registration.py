"""Registration commands: from the input of a kind to identity, values and edges, without a store."""

# mypy: disable-error-code="arg-type, list-item"
# An ID is written as plain text.

from typing import Any

import pytest

from graphql_schema.assets.dataset import ColumnInput, DatasetInput
from graphql_schema.assets.evaluation import EvaluationInput
from graphql_schema.assets.experiment import ExperimentCellInput
from graphql_schema.assets.model import ModelInput, ModelVersionInput
from graphql_schema.assets.tag import TagInput, TagKind
from graphql_schema.assets.team import TeamInput, UserInput
from graphql_schema.assets.workflow import RunInput, RunState
from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.inputs.idempotency_key import digest_steps
from graphql_schema.inputs.registration import kind_of, registration_steps
from graphql_schema.inputs.values import InputError
from graphql_schema.ports.commands import IdempotencyKey, RegisterCommand

DATA = "mlg://dataset/s3/raw/clicks"
MODEL = "mlg://model/mlflow/default/ranker"
VERSION = "mlg://model-version/mlflow/default/ranker@3"


def registration_of(given: Any) -> RegisterCommand:
    """Return the command of an input, made without a pause."""
    return run_at_once(registration_steps(given))


def test_an_input_becomes_a_command() -> None:
    """Identity, values and flags are those of the input; its class names the kind."""
    given = ModelInput(source="MLflow", name="ranker", task="ranking", expected_revision=4, dry_run=True)
    assert kind_of(given).name == "Model"
    assert registration_of(given) == RegisterCommand(
        MODEL, {"name": "ranker", "task": "ranking"}, expected_revision=4, dry_run=True
    )


def test_a_key_becomes_a_part_of_the_command() -> None:
    """The same input with the same key is the same command."""
    given = ModelInput(id=MODEL, idempotency_key="build-7")
    assert registration_of(given) == registration_of(given)
    digest = run_at_once(digest_steps(given))
    assert registration_of(given).key == IdempotencyKey("build-7", digest, input_type="ModelInput")
    assert registration_of(ModelInput(id=MODEL)).key is None


@pytest.mark.parametrize(
    ("given", "urn"),
    [
        (ModelInput(source="s", namespace="n", name="x"), "mlg://model/s/n/x"),
        (ModelInput(source="s", namespace="", name="x"), "mlg://model/s/default/x"),
        (ModelVersionInput(source="s", name="x", version="1"), "mlg://model-version/s/default/x@1"),
        (ModelVersionInput(id=VERSION, source="mlflow", name="ranker", version="3"), VERSION),
        (ModelVersionInput(id=VERSION, source="MLflow"), VERSION),
        (TeamInput(name="search"), "mlg://team/catalog/default/search"),
        (UserInput(name="ada"), "mlg://user/catalog/default/ada"),
        (TagInput(name="gold", tag_kind=TagKind.FREE), "mlg://tag/catalog/default/gold"),
        (
            TagInput(id="mlg://tag/catalog/default/gold", name="Gold", tag_kind=TagKind.FREE),
            "mlg://tag/catalog/default/gold",
        ),
    ],
)
def test_the_id_is_given_or_made_of_its_parts(given: Any, urn: str) -> None:
    """Parts beside an id must agree; teams, users, domains and tags default to source ``catalog`` (design 3.5)."""
    assert registration_of(given).urn == urn


def test_what_is_no_asset_may_change_its_name() -> None:
    """The name of a tag is shown beside its id, so both may differ."""
    command = registration_of(TagInput(id="mlg://tag/catalog/default/gold", name="Gold", tag_kind=TagKind.PII))
    assert command.values == {"name": "Gold", "tagKind": "PII"}


def test_a_name_that_the_id_cuts_is_kept() -> None:
    """A long name is cut in the id, kept in the values, and agrees with that id when both are given."""
    name = "n" * 1_024
    command = registration_of(ModelInput(source="mlflow", name=name))
    assert len(command.urn) == 512
    assert command.values == {"name": name}
    assert registration_of(ModelInput(id=command.urn, name=name)).urn == command.urn


@pytest.mark.parametrize(
    ("given", "required"),
    [
        (RunInput(id="mlg://run/airflow/default/r1"), ("state",)),
        (RunInput(id="mlg://run/airflow/default/r1", state=RunState.START), ()),
        (EvaluationInput(source="a", name="e"), ("modelVersion",)),
        (EvaluationInput(source="a", name="e", model_version=VERSION), ()),
        (ExperimentCellInput(source="a", name="c"), ("experiment",)),
        (ModelInput(id=MODEL), ()),
    ],
)
def test_fields_that_are_required_the_first_time_are_named(given: Any, required: tuple[str, ...]) -> None:
    """The writer refuses a creation without them; an existing asset keeps its values (design 3.6)."""
    assert registration_of(given).required == required


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        (ModelInput(), (), "source and a name"),
        (ModelInput(name="x"), (), "source"),
        (ModelVersionInput(source="a", name="b"), (), "version"),
        (ModelInput(id="ranker"), ("id",), "not an id"),
        (ModelInput(id=DATA), ("id",), "is a Dataset"),
        (ModelVersionInput(id=MODEL), ("id",), "is a Model"),
        (ModelInput(id=MODEL, name="other"), ("name",), "'other'"),
        (ModelInput(id=MODEL, source="s3"), ("source",), "'s3'"),
        (ModelInput(id=MODEL, namespace="n"), ("namespace",), "'default'"),
        (ModelVersionInput(id=VERSION, version="4"), ("version",), "'4'"),
        (ModelInput(source="a", name="n" * 1_025), ("name",), "1024"),
        (ModelInput(id=MODEL, display_name="n" * 1_025), ("displayName",), "1024"),
        (ModelVersionInput(id=VERSION, trained_on=[MODEL]), ("trainedOn", "0"), "Dataset or DatasetVersion"),
    ],
)
def test_an_invalid_input_is_refused_with_its_path(given: Any, path: tuple[str, ...], message: str) -> None:
    """A missing or contradicting part of the id, and whatever the values and edges refuse."""
    with pytest.raises(InputError) as refused:
        registration_of(given)
    assert refused.value.path == path
    assert message in refused.value.message


def test_a_large_item_is_refused_after_pauses() -> None:
    """Its values are converted one by one, so others have turns before it is found to be larger than 64 KiB."""
    columns = [ColumnInput(name="c" * 20 + str(number)) for number in range(3_000)]
    steps, pauses = registration_steps(DatasetInput(id=DATA, columns=columns)), list[None]()
    with pytest.raises(InputError, match="holds at most 65536"):
        pauses.extend(steps)
    assert len(pauses) == 3_000
