"""Maps the records of a registry to assets, by the rules of the field table; sends no request."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from app.ingest.load.source_asset import AliasTarget, SourceAsset
from app.ingest.sources.mlflow.asset_draft import AssetDraft
from app.ingest.sources.mlflow.field_table import (
    DATASET,
    EXPERIMENT,
    LOGGED_MODEL,
    MODEL,
    RUN,
    VERSION,
    FieldRule,
    R,
)
from app.ingest.sources.mlflow.registry_names import RegistryNames
from app.ingest.sources.mlflow.registry_records import (
    DatasetUse,
    ExperimentRecord,
    LoggedModelRecord,
    RegisteredModelRecord,
    RunRecord,
    VersionRecord,
)
from graphql_schema.catalog.urn import make_urn
from graphql_schema.ports.record import JsonObject, Record

ARCHIVED: Final = "Archived"
"""The stage of a version that is no longer in use."""


@dataclass(frozen=True, slots=True)
class RegistryMapping:
    """Maps the records of one registry.

    ``owner`` is the id of the team that owns all assets, empty for none. A tag called ``owner_tag`` of an asset, or of
    its experiment or model, names another team, by its id or its name. ``team_of`` replaces the id of a team.
    """

    names: RegistryNames = field(default_factory=RegistryNames)
    owner: str = ""
    owner_tag: str = ""
    team_of: Callable[[str], str] = str

    def experiment(self, record: ExperimentRecord) -> SourceAsset:
        """Return the workflow of an experiment."""
        draft = self._applied(EXPERIMENT, record)
        asset = self._asset("workflow", f"experiment {record.name}", draft, record.tags)
        return replace(asset, deleted=record.deleted)

    def run(self, record: RunRecord, experiment: ExperimentRecord) -> SourceAsset:
        """Return a run of an experiment; its parts are the data that the run read, with edges to the run."""
        draft = self._applied(RUN, record)
        draft.parts[:0] = [item for use in record.datasets for item in self.dataset_items(use)]
        asset = self._asset("run", f"run {record.name} ({record.id})", draft, {**experiment.tags, **record.tags})
        steps = [(each.name, each.step, each.timestamp) for each in record.metrics]
        return replace(asset, deleted=record.deleted, basis=steps)

    def dataset_items(self, record: DatasetUse) -> list[Record]:
        """Return the items of a data set: the dataset if its columns or its owner are known, and its version.

        A data set is that of many experiments, so that no tag of one names its owner.
        """
        draft, owner = self._applied(DATASET, record), self._owner({})
        owned = {"owners": [{"owner": owner}]} if owner else {}
        known = {key: value for part in draft.parts for key, value in part["dataset"].items()}
        dataset = [{"dataset": {"id": self.names.dataset(record.name), **known, **owned}}] if known or owned else []
        return [*dataset, {"datasetVersion": _body(draft)}]

    def logged_model(self, record: LoggedModelRecord, experiment: ExperimentRecord) -> SourceAsset:
        """Return a logged model as a model version; its parts are its model and its evaluations on data."""
        draft = self._applied(LOGGED_MODEL, record)
        tags = {**experiment.tags, **record.tags}
        return self._asset("modelVersion", f"logged model {record.key.name} ({record.key.id})", draft, tags)

    def model(self, record: RegisteredModelRecord) -> SourceAsset:
        """Return a registered model."""
        return self._asset("model", f"model {record.name}", self._applied(MODEL, record), record.tags)

    def version(self, record: VersionRecord, model: RegisteredModelRecord) -> SourceAsset:
        """Return a version of a registered model; its owner is that of the model unless a tag of the version names one.

        An archived version counts as deleted.
        """
        draft = self._applied(VERSION, record)
        tags = {**model.tags, **record.tags}
        asset = self._asset("modelVersion", f"model {record.model} version {record.version}", draft, tags)
        return replace(asset, deleted=record.stage == ARCHIVED)

    def aliases(self, record: RegisteredModelRecord) -> list[AliasTarget]:
        """Return the aliases of a registered model."""
        return [
            AliasTarget(
                self.names.model(record.name),
                alias,
                self.names.version(record.name, version),
                f"models:/{record.name}@{alias}",
            )
            for alias, version in record.aliases.items()
        ]

    def _applied(self, table: Iterable[FieldRule[R]], record: R) -> AssetDraft:
        draft = AssetDraft()
        for rule in table:
            if rule.mapper is not None:
                rule.mapper(record, draft, self.names)
        return draft

    def _asset(self, kind: str, location: str, draft: AssetDraft, tags: Mapping[str, str]) -> SourceAsset:
        owner = self._owner(tags)
        return SourceAsset(
            location=location,
            foreign_id=draft.properties["mlflow.id"],
            value=_with_owner({kind: _body(draft)}, owner),
            parts=tuple(_with_owner(item, owner) for item in draft.parts),
        )

    def _owner(self, tags: Mapping[str, str]) -> str:
        """Return the id of the owner that tags name, else the owner of everything, empty for none."""
        named = tags.get(self.owner_tag, "") if self.owner_tag else ""
        if named:
            return self.team_of(named if named.startswith("mlg://") else make_urn("team", "catalog", "", named))
        return self.team_of(self.owner) if self.owner else ""


def _body(draft: AssetDraft) -> JsonObject:
    return {**draft.values, "properties": draft.pairs}


_OWNED: Final = {"evaluation", "model", "modelVersion", "run", "workflow"}
"""Items that get the owner of the record that they are made of; its data and links do not."""


def _with_owner(item: Record, owner: str) -> Record:
    """Return an item with its owner; links and data remain as they are, and so does everything without an owner."""
    ((kind, body),) = item.items()
    if not owner or kind not in _OWNED:
        return item
    return {kind: {**body, "owners": [{"owner": owner}]}}
