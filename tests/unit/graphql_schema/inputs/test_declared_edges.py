"""Declared edges: what the id fields of an input declare, checked against the catalog."""

# mypy: disable-error-code="arg-type, list-item"
# An ID is written as plain text.

from typing import Any

import pytest
import strawberry
from strawberry import ID

from graphql_schema.assets.dataset import DatasetInput, DatasetVersionInput
from graphql_schema.assets.domain import DomainInput
from graphql_schema.assets.evaluation import EvaluationInput
from graphql_schema.assets.feature import FeatureInput
from graphql_schema.assets.model import ModelInput, ModelVersionInput
from graphql_schema.assets.team import MemberInput, TeamInput
from graphql_schema.assets.workflow import RunInput, WorkflowInput
from graphql_schema.catalog.enums import OwnershipKind
from graphql_schema.catalog.relations import (
    CONTAINS,
    DERIVES,
    FEEDS,
    MEMBER_OF,
    OWNED_BY,
    PRODUCES,
    RELATIONS,
    VERSION_OF,
)
from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.inputs.declared_edges import allowed_target_kinds, edge_steps
from graphql_schema.inputs.input_fields import EDGE, OwnerInput
from graphql_schema.inputs.values import InputError, fields_of
from graphql_schema.ports.commands import DeclaredEdges
from graphql_schema.registry.entries import REGISTRY

DATA = "mlg://dataset/s3/raw/clicks"
MODEL = "mlg://model/mlflow/default/ranker"
VERSION = "mlg://model-version/mlflow/default/ranker@3"
TEAM = "mlg://team/catalog/default/search"
ADA = "mlg://user/catalog/default/ada"
RUN = "mlg://run/airflow/default/r1"
ASSETS = "graphql_schema/assets"
FLOW = "mlg://workflow/airflow/default/nightly"


BY_LINK_ALONE = {"TRIGGERS", "PRECEDES", "REPLACED_BY"}
"""Relations that no registration declares: clients use `link` or `setStage`."""


def declared(kind: str, urn: str, given: Any) -> tuple[DeclaredEdges, ...]:
    """Return the edges that an input declares for an asset."""
    return run_at_once(edge_steps(kind, urn, given))


def test_every_relation_of_clients_is_declared_by_an_input() -> None:
    """A relation that clients can name is declared by the input of one end, unless it is listed here."""
    fields = (field for entry in REGISTRY.values() for field in fields_of(entry.input))
    found = {field.metadata[EDGE].hop.relation.name for field in fields if EDGE in field.metadata}
    missing = {name for name, each in RELATIONS.items() if each.description} - found - BY_LINK_ALONE
    assert missing == set(), f"No input has {missing}: add a reference(…) to the input of one end in {ASSETS}."


def test_a_list_of_ids_becomes_the_edges_of_its_field() -> None:
    """Each field is the declarer of its edges, an id that is given twice is one edge, and a null removes all."""
    given = ModelVersionInput(id=VERSION, trained_on=[DATA, DATA], features=None)
    assert declared("ModelVersion", VERSION, given) == (
        DeclaredEdges(VERSION_OF.out(), "ModelVersion.model", {MODEL: {}}),
        DeclaredEdges(FEEDS.into("Dataset", "DatasetVersion"), "ModelVersion.trainedOn", {DATA: {}}),
        DeclaredEdges(FEEDS.into("Feature", "FeatureSet"), "ModelVersion.features", {}),
    )


def test_the_parent_of_a_version_may_be_given_if_it_is_the_one_of_the_id() -> None:
    """The edge to the parent is declared always, because the id names the parent."""
    for given in (ModelVersionInput(id=VERSION), ModelVersionInput(id=VERSION, model=MODEL)):
        assert declared("ModelVersion", VERSION, given) == (
            DeclaredEdges(VERSION_OF.out(), "ModelVersion.model", {MODEL: {}}),
        )


def test_a_single_id_is_one_edge_and_null_removes_it() -> None:
    """A field for one id replaces its edge."""
    edges: dict[str | None, Any] = {None: {}, "mlg://domain/catalog/default/d": {"mlg://domain/catalog/default/d": {}}}
    for domain, targets in edges.items():
        assert declared("Model", MODEL, ModelInput(id=MODEL, domain=domain)) == (
            DeclaredEdges(CONTAINS.into("Domain"), "Model.domain", targets),
        )


def test_owners_are_merged_by_owner() -> None:
    """One edge for each owner, with all that the owner is responsible for, in order."""
    owners = [
        OwnerInput(owner=TEAM),
        OwnerInput(owner=ADA, ownership=OwnershipKind.STEWARD),
        OwnerInput(owner=TEAM, ownership=OwnershipKind.BUSINESS),
    ]
    targets = {TEAM: {"kinds": ["BUSINESS", "TECHNICAL"]}, ADA: {"kinds": ["STEWARD"]}}
    assert declared("Dataset", DATA, DatasetInput(id=DATA, owners=owners)) == (
        DeclaredEdges(OWNED_BY.out(), "Dataset.owners", targets),
    )
    assert declared("Domain", "mlg://domain/catalog/default/d", DomainInput(name="d", owners=owners[1:2])) == (
        DeclaredEdges(OWNED_BY.out(), "Domain.owners", {ADA: {"kinds": ["STEWARD"]}}),
    )


def test_members_carry_their_role() -> None:
    """Values of a nested input belong to the edge; a value that is not given is absent."""
    members = [MemberInput(user=ADA, role="lead"), MemberInput(user="mlg://user/catalog/default/bo")]
    assert declared("Team", TEAM, TeamInput(name="search", members=members)) == (
        DeclaredEdges(
            MEMBER_OF.into("User"), "Team.members", {ADA: {"role": "lead"}, "mlg://user/catalog/default/bo": {}}
        ),
    )


def test_inputs_and_outputs_of_a_run_are_added_as_observed() -> None:
    """They replace nothing, and a null adds nothing."""
    (edges,) = declared("Run", RUN, RunInput(id=RUN, inputs=[DATA], outputs=None))
    assert (edges.declarer, edges.targets, edges.adds, edges.origin) == ("Run.inputs", {DATA: {}}, True, "OBSERVED")


def test_an_asset_may_be_derived_from_itself() -> None:
    """A lineage edge to itself is legal, as of an incremental table (design 3.6); any other is not."""
    (edges,) = declared("Dataset", DATA, DatasetInput(id=DATA, derived_from=[DATA]))
    assert edges.targets == {DATA: {}}
    with pytest.raises(InputError, match="its own `partOf`"):
        declared("Workflow", FLOW, WorkflowInput(id=FLOW, part_of=FLOW))


def test_there_is_a_pause_after_each_far_end() -> None:
    """The far ends of a list are checked one by one, so that others have turns between two of them."""
    given = DatasetInput(
        id=DATA, derived_from=[strawberry.ID(f"mlg://dataset/s3/raw/d{number}") for number in range(500)]
    )
    assert sum(1 for _ in edge_steps("Dataset", DATA, given)) == 500


def test_a_field_holds_at_most_5000_ids() -> None:
    """Further edges are registered as links."""
    ids = [ID(f"{DATA}{number}") for number in range(5_001)]
    (edges,) = declared("Model", MODEL, ModelInput(id=MODEL, inputs=ids[:5_000]))
    assert len(edges.targets) == 5_000
    with pytest.raises(InputError, match="limit is 5000"):
        declared("Model", MODEL, ModelInput(id=MODEL, inputs=ids))


REFUSED: dict[str, tuple[str, str, Any, tuple[str, ...], str]] = {
    "another parent": (
        "ModelVersion",
        VERSION,
        ModelVersionInput(id=VERSION, model="mlg://model/mlflow/default/x"),
        ("model",),
        MODEL,
    ),
    "no parent": (
        "ModelVersion", VERSION, ModelVersionInput(id=VERSION, model=None), ("model",), "`model`"
    ),
    "malformed parent": (
        "DatasetVersion",
        "mlg://dataset-version/a/b/c@1",
        DatasetVersionInput(id="x", dataset="b"),
        ("dataset",),
        "not an id",
    ),
    "far end of another kind": (
        "ModelVersion",
        VERSION,
        ModelVersionInput(id=VERSION, trained_on=[DATA, DATA, MODEL]),
        ("trainedOn", "2"),
        "Dataset or DatasetVersion",
    ),
    "malformed far end": ("Model", MODEL, ModelInput(id=MODEL, inputs=["x"]), ("inputs", "0"), "not an id"),
    "kind that the relation does not join": (
        "Run", RUN, RunInput(id=RUN, inputs=[TEAM]), ("inputs", "0"), "is a Team"
    ),
    "single far end of another kind": ("Run", RUN, RunInput(id=RUN, workflow=MODEL), ("workflow",), "Workflow"),
    "feature set of another kind": (
        "Feature", "mlg://feature/a/b/f", FeatureInput(id="x", feature_set=MODEL), ("featureSet",), "FeatureSet"
    ),
    "owner of another kind": (
        "Model", MODEL, ModelInput(id=MODEL, owners=[OwnerInput(owner=DATA)]), ("owners", "0", "owner"), "Team or User"
    ),
    "member of another kind": (
        "Team", TEAM, TeamInput(name="x", members=[MemberInput(user=TEAM)]), ("members", "0", "user"), "User"
    ),
    "member with two roles": (
        "Team",
        TEAM,
        TeamInput(name="x", members=[MemberInput(user=ADA, role="a"), MemberInput(user=ADA)]),
        ("members", "1", "user"),
        "twice",
    ),
    "domain of another kind": ("Model", MODEL, ModelInput(id=MODEL, domain=TEAM), ("domain",), "Domain"),
    "tag of another kind": ("Model", MODEL, ModelInput(id=MODEL, tags=[TEAM]), ("tags", "0"), "Tag"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_an_invalid_far_end_is_refused_with_its_path(name: str) -> None:
    """The error leads to the id within the input, and its message contains what is wrong or what is expected."""
    kind, urn, given, path, message = REFUSED[name]
    with pytest.raises(InputError) as refused:
        declared(kind, urn, given)
    assert refused.value.path == path
    assert message in refused.value.message


def test_required_edges_cannot_be_cleared() -> None:
    """An evaluation has a model version, and an empty list is as good as a null."""
    with pytest.raises(InputError, match="`modelVersion`"):
        declared("Evaluation", "mlg://evaluation/a/b/e", EvaluationInput(id="x", model_version=None))


@pytest.mark.parametrize(
    ("hop", "kind", "expected"),
    [
        (DERIVES.into(), "Feature", ("Dataset", "DatasetVersion", "Feature")),
        (DERIVES.into("Dataset"), "Feature", ("Dataset",)),
        (FEEDS.out(), "FeatureSet", ("Model", "ModelVersion", "Service", "Report")),
        (FEEDS.out(), "Report", ("Report",)),
        (FEEDS.out(), "Run", ()),
        (PRODUCES.into(), "Feature", ("Workflow", "Run")),
    ],
)
def test_a_hop_leads_to_the_kinds_that_the_catalog_allows(hop: Any, kind: str, expected: tuple[str, ...]) -> None:
    """The kinds of the far end, in the order of the catalog, restricted by the hop."""
    assert allowed_target_kinds(hop, kind) == expected
