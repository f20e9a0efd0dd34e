"""Feature sets, and the features in them."""

import strawberry

from graphql_schema.assets.asset import Asset
from graphql_schema.catalog.relations import CONTAINS, DERIVES, FEEDS
from graphql_schema.fields.connection import Connection
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.refs import AssetRef, DatasetRef, FeatureRef, FeatureSetRef
from graphql_schema.fields.relation_fields import to_many, to_one
from graphql_schema.inputs.input_fields import AssetFields, attribute, reference
from graphql_schema.inputs.kind_entry import KindEntry
from graphql_schema.ports.relation_query import related

SOURCES = related(DERIVES.into("Dataset"))
MODELS = related(FEEDS.out("Model", "ModelVersion"))


@strawberry.type(description="A set of features that are served together.")
class FeatureSet(Asset):
    """A set of features that are served together."""

    entity_keys: list[str] | None = stored_field("The keys that identify the entity of the features.")
    online: bool | None = stored_field("Whether the features are served online.")
    features: Connection[FeatureRef] | None = to_many(
        related(CONTAINS.out("Feature")), "The features of the set.", first=50
    )
    derived_from: Connection[DatasetRef] | None = to_many(
        SOURCES,
        "The datasets that the feature set is computed from, without dataset versions and features; edges of its "
        "features do not count.",
    )


@strawberry.type(description="A computed value that models take as input.")
class Feature(Asset):
    """A computed value that models take as input."""

    data_type: str | None = stored_field("The data type of the values.")
    expression: str | None = stored_field("The expression that computes the values.")
    freshness_sla: str | None = stored_field("The maximum age of the values, as an ISO 8601 duration.")
    feature_set: FeatureSetRef | None = to_one(
        related(CONTAINS.into("FeatureSet")),
        "The feature set of the feature; null if there is none, or it is hidden or deleted.",
    )
    derived_from: Connection[DatasetRef] | None = to_many(
        SOURCES,
        "The datasets that the feature is computed from, without dataset versions and features; edges of its feature "
        "set do not count.",
    )
    models: Connection[AssetRef] | None = to_many(
        MODELS,
        "The models and model versions that use the feature: declared, or inferred from training runs; edges of its "
        "feature set do not count.",
    )


@strawberry.input(description="Registers a feature set.")
class FeatureSetInput(AssetFields):
    """Registers a feature set."""

    entity_keys: list[str] | None = attribute("The keys that identify the entity of the features.")
    online: bool | None = attribute("Whether the features are served online.")
    derived_from: list[strawberry.ID] | None = reference(
        DERIVES.into(),
        "Ids of the data and features that this feature set is computed from; "
        "the list replaces the one given before. Edges of `link` remain.",
    )
    features: list[strawberry.ID] | None = reference(
        CONTAINS.out("Feature"),
        "Ids of the features of the set; the list replaces the one given before. Edges of `link`, and those that "
        "features declare by `featureSet`, remain.",
    )


@strawberry.input(description="Registers a feature.")
class FeatureInput(AssetFields):
    """Registers a feature."""

    data_type: str | None = attribute("The data type of the values.")
    expression: str | None = attribute("The expression that computes the values.")
    freshness_sla: str | None = attribute(
        "The maximum age of the values, as an ISO 8601 duration such as `PT6H`.", duration=True
    )
    feature_set: strawberry.ID | None = reference(CONTAINS.into("FeatureSet"), "The id of the feature set.")
    derived_from: list[strawberry.ID] | None = reference(
        DERIVES.into(),
        "Ids of the data and features that this feature is computed from; "
        "the list replaces the one given before. Edges of `link` remain.",
    )


ENTRIES = (
    KindEntry(FeatureSet, FeatureSetInput, "Registers a feature set."),
    KindEntry(Feature, FeatureInput, "Registers a feature."),
)
