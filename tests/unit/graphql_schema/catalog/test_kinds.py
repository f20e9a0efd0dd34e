"""Kinds: their names, slugs and codes, their parents, and their concepts."""

from graphql_schema.catalog.kinds import (
    ALL_KINDS,
    ASSETS,
    ATTACHED_KINDS,
    KIND_OF_CODE,
    KIND_OF_SLUG,
    KINDS,
    NAME_OF_CODE,
    Kind,
)
from policies.vocabulary import WriteAction

SLUGS = (
    *(
        "dataset",
        "dataset-version",
        "feature-set",
        "feature",
        "model",
        "model-version",
        "workflow",
        "run",
        "evaluation",
    ),
    *("service", "deployment", "experiment", "experiment-cell", "report", "team", "user", "domain", "tag"),
    *("check", "check-result", "incident", "approval", "usage-month", "change", "observation", "ingestion"),
)


def test_slugs_are_kept() -> None:
    """Slugs are stored in every id, so none may be renamed or removed; the order is that of the API."""
    assert tuple(kind.slug for kind in ALL_KINDS.values() if kind.slug in SLUGS) == SLUGS


def test_a_kind_is_written_as_type_slug_and_code() -> None:
    """The GraphQL type is in camel case, the slug of an id in kebab case, the code of records in upper case."""
    assert KIND_OF_SLUG["experiment-cell"] is KIND_OF_CODE["EXPERIMENT_CELL"] is KINDS["ExperimentCell"]
    assert NAME_OF_CODE["EXPERIMENT_CELL"] == "ExperimentCell"
    assert {name: kind.name for name, kind in ALL_KINDS.items()} == {name: name for name in ALL_KINDS}


def test_teams_users_domains_and_tags_are_no_assets() -> None:
    """They are registered like assets, but no policy governs their rows."""
    assert set(KINDS) - set(ASSETS) == {"Team", "User", "Domain", "Tag"}


def test_versions_and_features_have_a_parent() -> None:
    """Both are children of an asset group; only the id of a version has the id of its parent in it."""
    parents = {name: (kind.parent, kind.versioned) for name, kind in KINDS.items()}
    assert parents["DatasetVersion"] == ("Dataset", True)
    assert parents["ModelVersion"] == ("Model", True)
    assert parents["Feature"] == ("FeatureSet", False)
    assert parents["Dataset"] == (None, False)


def test_an_attached_record_is_visible_through_a_field_of_its_subject() -> None:
    """Attached records have no policy of their own: the label of this field decides who reads them."""
    assert {name: kind.shown_by for name, kind in ALL_KINDS.items() if kind.shown_by} == {
        "Check": "checks",
        "CheckResult": "checks",
        "Incident": "incidents",
        "Approval": "approvals",
        "ChangePlan": "changePlans",
        "UsageMonth": "usage",
        "Change": "history",
        "Observation": "history",
        "Ingestion": "history",
        "ThinEvent": "history",
        "ThinEventQueue": "history",
    }
    assert not any(kind.asset for kind in ATTACHED_KINDS.values())
    assert {name: WriteAction(kind.right) for name, kind in ALL_KINDS.items() if kind.right} == {
        "ThinEvent": WriteAction.UPDATE
    }


def test_names_slugs_and_codes_are_unique() -> None:
    """Two kinds with one slug or code would share ids or records."""
    assert len(KIND_OF_SLUG) == len(KIND_OF_CODE) == len(ALL_KINDS)


def test_the_parent_of_a_version_or_part_is_an_asset() -> None:
    """A parent outside the catalog, or without a policy of its own, would leave its children without owners."""
    children = [kind for kind in KINDS.values() if kind.parent]
    assert {kind.name for kind in children} >= {"DatasetVersion", "ModelVersion", "Feature"}
    assert [kind.name for kind in children if kind.parent not in ASSETS or not kind.asset] == []
    assert [kind.name for kind in children if kind.versioned] == [kind.name for kind in children if kind.version_of]


def test_a_kind_belongs_to_the_concept_of_its_slug_unless_it_names_another() -> None:
    """The first word of the slug is the file of the kind, so that a pair such as asset and version shares one."""
    assert Kind("PromptVersion", "prompt-version").concept == "prompt"
    assert Kind("Answer", "answer", declared_in="prompt").concept == "prompt"
