"""Owners and aliases: whom a tag names owns the asset with its parts, and an alias points at the id of its version."""

from graphql import GraphQLInputObjectType
from graphql.utilities import coerce_input_value

from app.ingest.load.source_asset import AliasTarget, SourceAsset
from app.ingest.sources.mlflow.mapping import RegistryMapping
from app.ingest.sources.mlflow.registry_records import (
    DatasetUse,
    ExperimentRecord,
    LoggedModelKey,
    LoggedModelRecord,
    MetricPoint,
    RegisteredModelRecord,
    RunRecord,
    VersionRecord,
)

GROWTH, CRM = "mlg://team/catalog/default/growth-ml", "mlg://team/catalog/default/crm"
EXPERIMENT = ExperimentRecord("1", "churn", 0, deleted=False, tags={"team": "growth-ml"})
MODEL = RegisteredModelRecord("churn", "text", 0, {"team": CRM}, {"champion": "3", "old": "1"})


DATA = DatasetUse("d", "1", "testing", schema='{"mlflow_colspec": [{"name": "a", "type": "long"}]}')


def a_run(**tags: str) -> RunRecord:
    """Return a run that read test data."""
    return RunRecord("r", "1", "n", "FINISHED", 0, 1, deleted=False, tags=tags, datasets=(DATA,))


def owners(asset: SourceAsset) -> set[str]:
    """Return the owners of an asset and its parts."""
    bodies = [next(iter(each.values())) for each in (asset.value, *asset.parts)]
    return {owner["owner"] for body in bodies for owner in body.get("owners", [])}


def test_a_tag_names_the_owner() -> None:
    """A run has the tag of its experiment unless it has one, a version that of its model; without a tag the default."""
    mapping = RegistryMapping(owner="mlg://team/catalog/default/all", owner_tag="team")
    assert owners(mapping.experiment(EXPERIMENT)) == {GROWTH}
    assert owners(mapping.run(a_run(), EXPERIMENT)) == {GROWTH, mapping.owner}
    assert owners(mapping.run(a_run(team="crm"), EXPERIMENT)) == {CRM, mapping.owner}
    record = VersionRecord("churn", "3", None, 0, "None", "READY", "", None)
    assert owners(mapping.model(MODEL)) == owners(mapping.version(record, MODEL)) == {CRM}
    assert owners(mapping.model(RegisteredModelRecord("x", None, 0, {}, {}))) == {mapping.owner}
    assert owners(RegistryMapping().experiment(EXPERIMENT)) == set()
    assert owners(RegistryMapping(owner_tag="team").run(a_run(), EXPERIMENT)) == {GROWTH}
    assert not any(
        "owners" in item.get("dataset", {}) for item in RegistryMapping(owner_tag="team").dataset_items(DATA)
    )


def test_owners_are_those_of_the_team_map() -> None:
    """The owner of everything is mapped, and so is that of a tag."""
    mapping = RegistryMapping(owner="x", owner_tag="team", team_of=lambda team: team.replace("growth-ml", "ranking"))
    assert owners(mapping.experiment(EXPERIMENT)) == {"mlg://team/catalog/default/ranking"}


def test_aliases_point_at_versions() -> None:
    """Each alias of a model is a target of its own."""
    model = "mlg://model/mlflow/default/churn"
    version = "mlg://model-version/mlflow/default/churn@"
    assert RegistryMapping().aliases(MODEL) == [
        AliasTarget(model, "champion", f"{version}3", "models:/churn@champion"),
        AliasTarget(model, "old", f"{version}1", "models:/churn@old"),
    ]


def test_all_items_are_items_of_the_contract(asset_input: GraphQLInputObjectType) -> None:
    """Every item that the mapping makes is valid in the committed schema."""
    mapping = RegistryMapping(owner=CRM)
    metrics = (MetricPoint("auc", 0.5, 0, 0, ("d", "1"), "r"), MetricPoint("loss", 0.5, 3, 0))
    key = LoggedModelKey("1", "m", "m-1")
    logged = LoggedModelRecord(key, "READY", 0, "s3://b/m", run="r", params={"a": "1"}, metrics=metrics)
    record = VersionRecord("churn", "3", "x", 0, "Production", "READY", "models:/m-1", "r", run=a_run(), logged=logged)
    assets = [
        mapping.experiment(EXPERIMENT),
        mapping.run(a_run(), EXPERIMENT),
        mapping.logged_model(logged, EXPERIMENT),
        mapping.model(MODEL),
        mapping.version(record, MODEL),
    ]
    items = [item for asset in assets for item in (asset.value, *asset.parts)]
    assert len(items) > 10
    for item in items:
        coerce_input_value(item, asset_input)
