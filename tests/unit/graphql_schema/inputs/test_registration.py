"""What items of a registration become, and why some cannot be: no store is needed to say so."""

# mypy: disable-error-code="arg-type, list-item"
# An ID is written as plain text.

from dataclasses import dataclass
from typing import Any

import pytest
from strawberry import ID

from graphql_schema.assets.dataset import ColumnInput, ColumnRefInput, DatasetInput, DatasetVersionInput
from graphql_schema.assets.domain import DomainInput
from graphql_schema.assets.evaluation import EvaluationInput
from graphql_schema.assets.experiment import ExperimentCellInput
from graphql_schema.assets.feature import FeatureInput
from graphql_schema.assets.model import ModelInput, ModelVersionInput, RiskTier
from graphql_schema.assets.service import DeploymentInput
from graphql_schema.assets.tag import TagInput, TagKind
from graphql_schema.assets.team import MemberInput, TeamInput, UserInput
from graphql_schema.assets.workflow import RunInput, RunState, WorkflowInput
from graphql_schema.catalog.enums import LifecycleStage, OwnershipKind, PrincipalType, RelationName, Sensitivity
from graphql_schema.catalog.relations import FEEDS, OWNED_BY, VERSION_OF
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import MetricInput, PropertyInput
from graphql_schema.inputs.input_fields import OwnerInput
from graphql_schema.inputs.values import InputError
from graphql_schema.lineage.link_mutations import LinkInput
from graphql_schema.ports.commands import DeclaredEdges, LinkCommand, RegisterCommand
from graphql_schema.registry.asset_input import AssetInput
from graphql_schema.registry.bulk import check_items, command_of, given_field

Given = Any
"""What an input class takes under a name; its own annotations say what."""

DATA = "mlg://dataset/s3/raw/clicks"
MODEL = "mlg://model/mlflow/default/ranker"
VERSION = "mlg://model-version/mlflow/default/ranker@3"
TEAM = "mlg://team/catalog/default/search"
ADA = "mlg://user/catalog/default/ada"
RUN = "mlg://run/airflow/default/r1"
FLOW = "mlg://workflow/airflow/default/nightly"


def item_of(**given: Given) -> AssetInput:
    """One item; the fields of ``AssetInput`` come from the register, so that no type checker can list them."""
    item_type: Any = AssetInput
    item: AssetInput = item_type(**given)
    return item


def ready(**item: Given) -> RegisterCommand:
    """Register one item that must be accepted."""
    found = command_of(given_field(item_of(**item))[1])
    assert isinstance(found, RegisterCommand)
    return found


def test_values_are_plain_and_only_those_given() -> None:
    """Enums become their names, properties are ordered by key, null clears and what is absent is left alone."""
    found = ready(
        model=ModelInput(
            source="MLflow",
            name="ranker",
            stage=LifecycleStage.DRAFT,
            risk_tier=RiskTier.HIGH,
            task=None,
            properties=[PropertyInput(key="b", value="1"), PropertyInput(key="a", value="2")],
            source_created_at=Instant(1_000),
            expected_revision=4,
            dry_run=True,
        )
    )
    assert found == RegisterCommand(
        MODEL,
        {
            "name": "ranker",
            "stage": "DRAFT",
            "riskTier": "HIGH",
            "task": None,
            "properties": [{"key": "a", "value": "2"}, {"key": "b", "value": "1"}],
            "sourceCreatedAt": 1_000,
        },
        expected_revision=4,
        dry_run=True,
    )


def test_lists_of_ids_become_edges_of_their_field() -> None:
    """Each field names itself as the declarer; an id given twice is one edge; the whole is always there."""
    found = ready(model_version=ModelVersionInput(id=VERSION, trained_on=[DATA, DATA], features=None))
    assert found.urn == VERSION
    assert found.values == {}
    assert found.edges == (
        DeclaredEdges(VERSION_OF.out(), "ModelVersion.model", {MODEL: {}}),
        DeclaredEdges(FEEDS.into("Dataset", "DatasetVersion"), "ModelVersion.trainedOn", {DATA: {}}),
        DeclaredEdges(FEEDS.into("Feature", "FeatureSet"), "ModelVersion.features", {}),
    )


def test_owners_are_merged_by_owner() -> None:
    """One edge per owner, with what it is responsible for in order."""
    found = ready(
        dataset=DatasetInput(
            id=DATA,
            owners=[
                OwnerInput(owner=TEAM),
                OwnerInput(owner=ADA, ownership=OwnershipKind.STEWARD),
                OwnerInput(owner=TEAM, ownership=OwnershipKind.BUSINESS),
            ],
        )
    )
    targets = {TEAM: {"kinds": ["BUSINESS", "TECHNICAL"]}, ADA: {"kinds": ["STEWARD"]}}
    assert found.edges == (DeclaredEdges(OWNED_BY.out(), "Dataset.owners", targets),)


def test_a_run_adds_what_was_observed() -> None:
    """Inputs and outputs of a run add, null adds nothing, and the missing state is named for the first time."""
    found = ready(run=RunInput(id=RUN, inputs=[DATA], outputs=None))
    assert [(e.declarer, dict(e.targets), e.adds, e.origin) for e in found.edges] == [
        ("Run.inputs", {DATA: {}}, True, "OBSERVED")
    ]
    assert found.required == ("state",)
    assert ready(run=RunInput(id=RUN, state=RunState.START)).required == ()


def test_what_a_kind_needs_the_first_time_is_named() -> None:
    """An evaluation needs its model version, a cell its experiment."""
    assert ready(evaluation=EvaluationInput(source="a", name="e")).required == ("modelVersion",)
    assert ready(evaluation=EvaluationInput(source="a", name="e", model_version=VERSION)).required == ()
    assert ready(experiment_cell=ExperimentCellInput(source="a", name="c")).required == ("experiment",)


def test_nested_lists_keep_their_order() -> None:
    """Columns and metrics stay as they came, without what was not given."""
    ref = ColumnRefInput(dataset=DATA, column="x")
    columns = [ColumnInput(name="z", sensitivity=Sensitivity.PUBLIC, derived_from=[ref]), ColumnInput(name="a")]
    assert ready(dataset=DatasetInput(id=DATA, columns=columns)).values["columns"] == [
        {"name": "z", "sensitivity": "PUBLIC", "derivedFrom": [{"dataset": DATA, "column": "x"}]},
        {"name": "a"},
    ]
    metrics = [MetricInput(name="auc", value=0.5, slice="new"), MetricInput(name="auc", value=0.25)]
    assert ready(model_version=ModelVersionInput(id=VERSION, metrics=metrics)).values["metrics"] == [
        {"name": "auc", "value": 0.5, "slice": "new"},
        {"name": "auc", "value": 0.25},
    ]


def test_what_the_catalog_keeps_itself_is_named_by_name_alone() -> None:
    """Teams, users, domains and tags default to source `catalog`; a user's kind is kept beside the record's kind."""
    team = ready(team=TeamInput(name="search", members=[MemberInput(user=ADA, role="lead")]))
    assert (team.urn, team.values, [dict(e.targets) for e in team.edges]) == (
        TEAM,
        {"name": "search"},
        [{ADA: {"role": "lead"}}],
    )
    user = ready(user=UserInput(name="ada", kind=PrincipalType.SERVICE_ACCOUNT, active=True))
    assert (user.urn, user.values) == (ADA, {"name": "ada", "principalKind": "SERVICE_ACCOUNT", "active": True})
    tag = ready(tag=TagInput(name="gold", tag_kind=TagKind.PII))
    assert (tag.urn, tag.values) == ("mlg://tag/catalog/default/gold", {"name": "gold", "tagKind": "PII"})
    domain = ready(domain=DomainInput(name="commerce", owners=[OwnerInput(owner=TEAM)]))
    assert domain.edges == (DeclaredEdges(OWNED_BY.out(), "Domain.owners", {TEAM: {"kinds": ["TECHNICAL"]}}),)


def test_a_name_that_the_id_cuts_is_kept() -> None:
    """A long name is cut in the id, kept in the values, and agrees with that id when both are given."""
    name = "n" * 800
    found = ready(model=ModelInput(source="mlflow", name=name))
    assert len(found.urn) == 512
    assert found.values == {"name": name}
    assert ready(model=ModelInput(id=found.urn, name=name)).urn == found.urn


def test_a_link_becomes_an_edge_with_its_facts() -> None:
    """The relation decides which ends it joins; facts are those given, and the origin."""
    link = LinkInput(relation=RelationName["FEEDS"], from_=DATA, to=MODEL, confidence=0.5, run_id=None)
    assert command_of(given_field(item_of(link=link))[1]) == LinkCommand(
        "FEEDS", DATA, MODEL, {"confidence": 0.5, "runId": None, "origin": "DECLARED"}
    )
    itself = LinkInput(relation=RelationName["DERIVES"], from_=DATA, to=DATA)
    assert isinstance(command_of(given_field(item_of(link=itself))[1]), LinkCommand)


@dataclass(frozen=True)
class Bad:
    """An item that cannot be: the path to what is wrong, and a word of the message."""

    item: dict[str, Any]
    path: tuple[str, ...]
    says: str


def twice(*pairs: str) -> list[PropertyInput]:
    """Properties with these keys."""
    return [PropertyInput(key=key, value="v") for key in pairs]


def link(relation: RelationName, source: str, target: str, **facts: Given) -> dict[str, Any]:
    """A link item."""
    return {"link": LinkInput(relation=relation, from_=source, to=target, **facts)}


BAD = {
    "no identity": Bad({"model": ModelInput()}, (), "source and a name"),
    "no source": Bad({"model": ModelInput(name="x")}, (), "source"),
    "no version": Bad({"model_version": ModelVersionInput(source="a", name="b")}, (), "version"),
    "malformed id": Bad({"model": ModelInput(id="ranker")}, ("id",), "not an id"),
    "id of another kind": Bad({"model": ModelInput(id=DATA)}, ("id",), "is a Dataset"),
    "id without version": Bad({"model_version": ModelVersionInput(id=MODEL)}, ("id",), "is a Model"),
    "id against name": Bad({"model": ModelInput(id=MODEL, name="other")}, ("name",), "'other'"),
    "id against source": Bad({"model": ModelInput(id=MODEL, source="s3")}, ("source",), "'s3'"),
    "id against version": Bad({"model_version": ModelVersionInput(id=VERSION, version="4")}, ("version",), "'4'"),
    "another whole": Bad(
        {"model_version": ModelVersionInput(id=VERSION, model="mlg://model/mlflow/default/x")}, ("model",), MODEL
    ),
    "no whole": Bad({"model_version": ModelVersionInput(id=VERSION, model=None)}, ("model",), "cannot be null"),
    "malformed whole": Bad(
        {"dataset_version": DatasetVersionInput(source="a", name="b", version="1", dataset="b")},
        ("dataset",),
        "not an id",
    ),
    "far end of another kind": Bad(
        {"model_version": ModelVersionInput(id=VERSION, trained_on=[DATA, DATA, MODEL])},
        ("trainedOn", "2"),
        "Dataset or DatasetVersion",
    ),
    "malformed far end": Bad({"model": ModelInput(id=MODEL, inputs=["x"])}, ("inputs", "0"), "not an id"),
    "what the relation does not join": Bad({"run": RunInput(id=RUN, inputs=[TEAM])}, ("inputs", "0"), "is a Team"),
    "single far end": Bad({"run": RunInput(id=RUN, workflow=MODEL)}, ("workflow",), "Workflow"),
    "owner that is none": Bad(
        {"model": ModelInput(id=MODEL, owners=[OwnerInput(owner=DATA)])}, ("owners", "0", "owner"), "Team or User"
    ),
    "member that is none": Bad(
        {"team": TeamInput(name="x", members=[MemberInput(user=TEAM)])}, ("members", "0", "user"), "User"
    ),
    "member with two roles": Bad(
        {"team": TeamInput(name="x", members=[MemberInput(user=ADA, role="a"), MemberInput(user=ADA)])},
        ("members", "1", "user"),
        "twice",
    ),
    "domain that is none": Bad({"model": ModelInput(id=MODEL, domain=TEAM)}, ("domain",), "Domain"),
    "tag that is none": Bad({"model": ModelInput(id=MODEL, tags=[TEAM])}, ("tags", "0"), "Tag"),
    "step of itself": Bad({"workflow": WorkflowInput(id=FLOW, part_of=FLOW)}, ("partOf",), "its own"),
    "column of no dataset": Bad(
        {
            "dataset": DatasetInput(
                id=DATA, columns=[ColumnInput(name="c", derived_from=[ColumnRefInput(dataset=MODEL, column="x")])]
            )
        },
        ("columns", "0", "derivedFrom", "0", "dataset"),
        "is a Model",
    ),
    "property twice": Bad(
        {"model": ModelInput(id=MODEL, properties=twice("a", "b", "a"))}, ("properties", "2"), "twice"
    ),
    "param twice": Bad({"run": RunInput(id=RUN, params=twice("a", "a"))}, ("params", "1"), "twice"),
    "metric twice": Bad(
        {"run": RunInput(id=RUN, metrics=[MetricInput(name="a", value=1), MetricInput(name="a", value=2)])},
        ("metrics", "1"),
        "twice",
    ),
    "column twice": Bad(
        {"dataset": DatasetInput(id=DATA, columns=[ColumnInput(name="c"), ColumnInput(name="c")])},
        ("columns", "1"),
        "twice",
    ),
    "end before start": Bad(
        {"run": RunInput(id=RUN, started_at=Instant(2), ended_at=Instant(1))}, ("endedAt",), "before `startedAt`"
    ),
    "retired before deployed": Bad(
        {"deployment": DeploymentInput(source="k8s", name="d", deployed_at=Instant(2), retired_at=Instant(1))},
        ("retiredAt",),
        "before `deployedAt`",
    ),
    "share above one": Bad(
        {"deployment": DeploymentInput(source="k8s", name="d", traffic_share=1.5)}, ("trafficShare",), "from 0 to 1"
    ),
    "negative cost": Bad({"run": RunInput(id=RUN, cost_usd=-1.0)}, ("costUsd",), "at least 0"),
    "state cleared": Bad({"run": RunInput(id=RUN, state=None)}, ("state",), "cannot be null"),
    "model version cleared": Bad(
        {"evaluation": EvaluationInput(source="a", name="e", model_version=None)},
        ("modelVersion",),
        "cannot be null",
    ),
    "long name": Bad({"model": ModelInput(source="a", name="n" * 1025)}, ("name",), "1024"),
    "long display name": Bad({"model": ModelInput(id=MODEL, display_name="n" * 1025)}, ("displayName",), "1024"),
    "large record": Bad({"model": ModelInput(id=MODEL, description="x" * 70_000)}, (), "65536"),
    "link the catalog has not": Bad(link(RelationName["FEEDS"], DATA, RUN), ("to",), "is a Run"),
    "link from what cannot": Bad(link(RelationName["FEEDS"], RUN, MODEL), ("from",), "is a Run"),
    "link malformed": Bad(link(RelationName["FEEDS"], DATA, "x"), ("to",), "not an id"),
    "link too sure": Bad(link(RelationName["FEEDS"], DATA, MODEL, confidence=1.1), ("confidence",), "from 0 to 1"),
    "link that ends before it begins": Bad(
        link(RelationName["FEEDS"], DATA, MODEL, valid_from=Instant(2), valid_to=Instant(1)), ("validTo",), "before"
    ),
    "link of a part to itself": Bad(link(RelationName["CONTAINS"], FLOW, FLOW), ("to",), "itself"),
    "link of a version to a stranger": Bad(
        link(RelationName["VERSION_OF"], VERSION, "mlg://model/mlflow/default/x"), ("to",), MODEL
    ),
    "feature of no set": Bad(
        {"feature": FeatureInput(source="a", name="f", feature_set=MODEL)}, ("featureSet",), "FeatureSet"
    ),
    "more references than an item may hold": Bad(
        {"model": ModelInput(id=MODEL, inputs=[ID(f"{DATA}{number}") for number in range(5_001)])}, ("inputs",), "5000"
    ),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_what_cannot_be_is_refused_where_it_stands(bad: Bad) -> None:
    """Each refusal names the path of the input and says what is wrong."""
    with pytest.raises(InputError) as refused:
        command_of(given_field(item_of(**bad.item))[1])
    assert refused.value.path == bad.path
    assert bad.says in refused.value.message


def test_the_same_asset_twice_is_refused_the_second_time() -> None:
    """The later item is INVALID and says which one was first; links may repeat."""
    model, edge = item_of(model=ModelInput(id=MODEL)), item_of(**link(RelationName["FEEDS"], DATA, MODEL))
    named = item_of(model=ModelInput(source="mlflow", name="ranker"))
    checked = check_items([edge, model, edge, named])
    assert checked.names == ["link", "model", "link", "model"]
    assert sorted(checked.accepted) == [0, 1, 2]
    assert "item 1" in checked.refused[3].errors[0].message
