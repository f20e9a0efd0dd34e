"""Index terms: what the index holds of a record."""

from graphql_schema.rules.index_terms import Indexed, indexed

VERSION = {
    "kind": "MODEL_VERSION",
    "name": "churn_model",
    "displayName": "ChurnModel",
    "namespace": "ads",
    "version": "v2",
    "source": "mlflow",
    "description": "The churn model, for ads. The model!",
}


def test_a_record_is_indexed_by_its_names_its_id_and_its_description() -> None:
    """Titles are names as they are compared; words are those of names, namespace, version and source, each once."""
    assert indexed(VERSION) == Indexed(
        titles=("churnmodel", "churn model"),
        words=("churnmodel", "churn", "model", "ads", "v2", "mlflow"),
        prose="the churn model for ads",
    )


def test_equal_names_are_one_title() -> None:
    """A display name that differs from the name only in case and separators is not indexed twice."""
    assert indexed({**VERSION, "displayName": "Churn-Model"}).titles == ("churn model",)


def test_only_a_kind_with_versions_is_indexed_by_its_version() -> None:
    """The field ``version`` of an asset of another kind is no part of its id, so its words are not searched."""
    assert "v2" not in indexed({**VERSION, "kind": "DATASET"}).words


def test_a_record_without_a_description_has_no_prose() -> None:
    """An absent description, and one that was cleared, index nothing."""
    absent = {name: value for name, value in VERSION.items() if name != "description"}
    assert indexed(absent).prose == indexed({**VERSION, "description": None}).prose == ""
