"""Feature sets and features."""

import strawberry

from graphql_schema.assets.asset import Asset
from graphql_schema.assets.kind_entry import Export, KindEntry
from graphql_schema.catalog.relations import CONTAINS, DERIVES, FEEDS
from graphql_schema.fields.connection import Connection
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.refs import AssetRef, DatasetRef, FeatureRef, FeatureSetRef
from graphql_schema.fields.relation_fields import to_many, to_one
from graphql_schema.inputs.input_fields import AssetFields, attribute, reference
from graphql_schema.ports.relation_query import related

SOURCES = related(DERIVES.into("Dataset"))
MODELS = related(FEEDS.out("Model", "ModelVersion"))


@strawberry.type(description="Features that are served together.")
class FeatureSet(Asset):
    """Features that are served together."""

    entity_keys: list[str] | None = stored_field("The keys that its features are looked up by.")
    online: bool | None = stored_field("Whether it is served online.")
    features: Connection[FeatureRef] | None = to_many(related(CONTAINS.out("Feature")), "Its features.", first=50)
    derived_from: Connection[DatasetRef] | None = to_many(SOURCES, "Datasets that it is computed from.")


@strawberry.type(description="One feature.")
class Feature(Asset):
    """One feature."""

    data_type: str | None = stored_field("The type of its values.")
    expression: str | None = stored_field("How it is computed.")
    freshness_sla: str | None = stored_field("How old it may be, as an ISO 8601 duration.")
    feature_set: FeatureSetRef | None = to_one(related(CONTAINS.into("FeatureSet")), "The set it belongs to.")
    derived_from: Connection[DatasetRef] | None = to_many(SOURCES, "Datasets that it is computed from.")
    models: Connection[AssetRef] | None = to_many(MODELS, "Models and model versions that use it.")


@strawberry.input(description="Registers a feature set.")
class FeatureSetInput(AssetFields):
    """Registers a feature set."""

    entity_keys: list[str] | None = attribute("The keys that its features are looked up by.")
    online: bool | None = attribute("Whether it is served online.")
    derived_from: list[strawberry.ID] | None = reference(
        DERIVES.into(), "Ids of data and features that it is computed from."
    )
    features: list[strawberry.ID] | None = reference(CONTAINS.out("Feature"), "Ids of its features.")


@strawberry.input(description="Registers a feature.")
class FeatureInput(AssetFields):
    """Registers a feature."""

    data_type: str | None = attribute("The type of its values.")
    expression: str | None = attribute("How it is computed.")
    freshness_sla: str | None = attribute("How old it may be, as an ISO 8601 duration such as `PT6H`.", duration=True)
    feature_set: strawberry.ID | None = reference(CONTAINS.into("FeatureSet"), "The id of the set it belongs to.")
    derived_from: list[strawberry.ID] | None = reference(
        DERIVES.into(), "Ids of data and features that it is computed from."
    )


ENTRIES = (
    KindEntry(FeatureSet, FeatureSetInput, "Registers a feature set.", Export("entityKeys online")),
    KindEntry(
        Feature, FeatureInput, "Registers a feature.", Export("dataType expression freshnessSla featureSet { id }")
    ),
)
