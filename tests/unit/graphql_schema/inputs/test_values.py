"""Input values as JSON: what a record is made of, and the values that are refused without asking the store."""

# mypy: disable-error-code="arg-type, list-item"
# An ID is written as plain text.

from typing import Any

import pytest
import strawberry

from graphql_schema.assets.dataset import ColumnInput, ColumnRefInput, DatasetInput
from graphql_schema.assets.feature import FeatureInput
from graphql_schema.assets.model import ModelInput, ModelVersionInput
from graphql_schema.assets.service import DeploymentInput
from graphql_schema.assets.team import UserInput
from graphql_schema.assets.workflow import RunInput, RunState
from graphql_schema.catalog.enums import LifecycleStage, PrincipalType, RiskTier, Sensitivity
from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import MetricInput, PropertyInput
from graphql_schema.inputs.values import (
    InputError,
    asset_kind,
    check_record,
    check_text,
    checked_reason,
    error_path,
    fields_of,
    require_kind,
    to_json,
    value_steps,
)
from policies.errors import InvalidError

DATA, MODEL = "mlg://dataset/s3/raw/clicks", "mlg://model/mlflow/default/ranker"


def values_of(given: Any) -> dict[str, Any]:
    """Return the values of an input, converted without a pause."""
    return run_at_once(value_steps(given))


def properties(*keys: str) -> list[PropertyInput]:
    """Return properties with these keys."""
    return [PropertyInput(key=key, value="v") for key in keys]


def test_values_are_json_and_only_those_given() -> None:
    """Enums become their names, a null is kept because it clears, and what was not given is absent."""
    given = ModelInput(
        source="MLflow",
        name="ranker",
        stage=LifecycleStage.DRAFT,
        risk_tier=RiskTier.HIGH,
        task=None,
        source_created_at=Instant(1_000),
        expected_revision=4,
    )
    assert values_of(given) == {"stage": "DRAFT", "riskTier": "HIGH", "task": None, "sourceCreatedAt": 1_000}


def test_a_value_may_have_another_name_in_the_record() -> None:
    """The kind of a user would collide with the kind of its record."""
    given = UserInput(name="ada", kind=PrincipalType.SERVICE_ACCOUNT)
    assert values_of(given) == {"principalKind": "SERVICE_ACCOUNT"}


def test_fields_have_a_graphql_name_and_an_attribute() -> None:
    """The GraphQL name is the attribute in camel case, unless the field has a name of its own."""
    names = {field.attribute: field.name for field in fields_of(RunInput(id="x"))}
    assert (names["cost_usd"], names["id"]) == ("costUsd", "id")


def test_nested_lists_keep_their_order() -> None:
    """Columns and metrics stay in the order of the client, without what was not given."""
    ref = ColumnRefInput(dataset=DATA, column="x")
    columns = [ColumnInput(name="z", sensitivity=Sensitivity.PUBLIC, derived_from=[ref]), ColumnInput(name="a")]
    assert values_of(DatasetInput(id=DATA, columns=columns))["columns"] == [
        {"name": "z", "sensitivity": "PUBLIC", "derivedFrom": [{"dataset": DATA, "column": "x"}]},
        {"name": "a"},
    ]
    metrics = [MetricInput(name="auc", value=0.5, slice="new"), MetricInput(name="auc", value=0.25)]
    assert values_of(ModelVersionInput(id="x", metrics=metrics))["metrics"] == [
        {"name": "auc", "value": 0.5, "slice": "new"},
        {"name": "auc", "value": 0.25},
    ]


def test_nested_nulls_and_empty_lists_are_left_out() -> None:
    """Within a nested input nothing can be cleared, because the list replaces the stored one."""
    column = ColumnInput(name="c", description=None, derived_from=[])
    assert to_json(column) == {"name": "c"}
    assert to_json([]) == []


def test_properties_are_ordered_by_key() -> None:
    """The same properties in another order are the same record."""
    given = [PropertyInput(key="b", value="1"), PropertyInput(key="a", value="2")]
    assert to_json(given) == [{"key": "a", "value": "2"}, {"key": "b", "value": "1"}]


REFUSED: dict[str, tuple[Any, tuple[str, ...], str]] = {
    "property twice": (ModelInput(id=MODEL, properties=properties("a", "b", "a")), ("properties", "2"), "'a'"),
    "param twice": (RunInput(id="x", params=properties("a", "a")), ("params", "1"), "index 0"),
    "metric twice": (
        RunInput(id="x", metrics=[MetricInput(name="a", value=value, slice="s") for value in (1, 2)]),
        ("metrics", "1"),
        "'a of s'",
    ),
    "column twice": (
        DatasetInput(id=DATA, columns=[ColumnInput(name="c"), ColumnInput(name="c")]),
        ("columns", "1"),
        "'c'",
    ),
    "column of another kind": (
        DatasetInput(
            id=DATA, columns=[ColumnInput(name="c", derived_from=[ColumnRefInput(dataset=MODEL, column="x")])]
        ),
        ("columns", "0", "derivedFrom", "0", "dataset"),
        "is a Model",
    ),
    "end before start": (RunInput(id="x", started_at=Instant(2), ended_at=Instant(1)), ("endedAt",), "`startedAt`"),
    "retired before deployed": (
        DeploymentInput(id="x", deployed_at=Instant(2), retired_at=Instant(1)),
        ("retiredAt",),
        "`deployedAt`",
    ),
    "share above one": (
        DeploymentInput(id="x", traffic_share=1.5),
        ("trafficShare",),
        "is 1.5; use a number from 0 to 1",
    ),
    "share below zero": (DeploymentInput(id="x", traffic_share=-0.5), ("trafficShare",), "is -0.5"),
    "negative cost": (RunInput(id="x", cost_usd=-1.0), ("costUsd",), "is -1; use a number of at least 0"),
    "duration in months": (FeatureInput(id="x", freshness_sla="P1M"), ("freshnessSla",), "'P1M'"),
    "required value cleared": (RunInput(id="x", state=None), ("state",), "`state`"),
    "long display name": (ModelInput(id=MODEL, display_name="n" * 1_025), ("displayName",), "1024"),
    "large record": (ModelInput(id=MODEL, description="x" * 70_000), (), "65536"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_invalid_value_is_refused_with_its_path(name: str) -> None:
    """The error leads to the value within the input of the kind, and its message contains what is wrong."""
    given, path, message = REFUSED[name]
    with pytest.raises(InputError) as refused:
        values_of(given)
    assert refused.value.path == path
    assert message in refused.value.message


@pytest.mark.parametrize(
    "given",
    [
        DeploymentInput(id="x", traffic_share=0.0),
        DeploymentInput(id="x", traffic_share=1.0),
        DeploymentInput(id="x", traffic_share=None),
        RunInput(id="x", cost_usd=1e12, state=RunState.START),
        RunInput(id="x", started_at=Instant(1), ended_at=Instant(1)),
        RunInput(id="x", ended_at=Instant(1)),
        FeatureInput(id="x", freshness_sla="P1D"),
        FeatureInput(id="x", freshness_sla=None),
        ModelInput(id=MODEL, display_name="n" * 1_024),
        RunInput(id="x", metrics=[MetricInput(name="a", value=1, slice=text) for text in ("s", "t", None)]),
    ],
)
def test_a_value_at_its_limit_is_accepted(given: Any) -> None:
    """Bounds are inclusive, an interval may have one instant, and a null has no bounds."""
    assert values_of(given) is not None


def test_a_record_holds_at_most_64_kib_of_json() -> None:
    """The limit counts bytes of the JSON text; ``{"a":"…"}`` has 8 of them besides the value."""
    check_record({"a": "x" * (65_536 - 8)})
    with pytest.raises(InputError, match="take 65537 bytes"):
        check_record({"a": "x" * (65_536 - 7)})


def test_an_id_must_be_of_one_of_the_kinds() -> None:
    """The kind is returned; an id of another kind, and a text that is no id, are refused with the path."""
    assert require_kind(MODEL, ("Model", "Dataset"), "subject") == "Model"
    assert asset_kind(DATA) == "Dataset"
    for text, message in ((DATA, "is a Dataset.* Model or Run"), ("x", "not an id")):
        with pytest.raises(InputError, match=message) as refused:
            require_kind(text, ("Run", "Model"), "subject", "0")
        assert refused.value.path == ("subject", "0")
    with pytest.raises(InputError):
        asset_kind("mlg://tag/catalog/default/pii", "asset")


def test_an_error_without_a_path_gets_one() -> None:
    """An error that already has a path keeps it."""
    with pytest.raises(InputError, match=r"No\.") as refused, error_path("a", "0"):
        raise InvalidError("No.")
    assert refused.value.path == ("a", "0")
    with pytest.raises(InputError) as refused, error_path("a"):
        raise InputError("No.", "b")
    assert refused.value.path == ("b",)


def test_a_reason_has_at_most_4000_characters() -> None:
    """An empty reason is none."""
    assert checked_reason("x" * 4_000) == "x" * 4_000
    assert checked_reason("") is checked_reason(None) is None
    with pytest.raises(InputError) as refused:
        checked_reason("x" * 4_001)
    assert refused.value.path == ("reason",)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [(None, True), ("x", True), ("x" * 5, True), ("x" * 6, False), ("", False), (" \n", False), ("a\0b", False)],
)
def test_a_text_is_neither_blank_nor_too_long(text: str | None, *, accepted: bool) -> None:
    """NUL separates the parts of stored names, so no text contains it; an absent text is accepted."""
    if accepted:
        check_text(text, 5, "title")
    else:
        with pytest.raises(InputError, match="`title`") as refused:
            check_text(text, 5, "title")
        assert refused.value.path == ("title",)


def test_a_value_that_is_no_input_stays_as_it_is() -> None:
    """Numbers, texts and nulls are JSON already."""
    assert [to_json(value) for value in (1, 0.5, "x", None, True)] == [1, 0.5, "x", None, True]
    assert strawberry.UNSET not in values_of(ModelInput(id=MODEL)).values()
