"""One object of an MLflow registry, read by its id and mapped as the import of the whole registry maps it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.ingest.load.incremental_load import Page
from app.ingest.load.source_asset import AbsentObjectError, AliasTarget, SourceAsset
from app.ingest.sources.mlflow.registry_entities import (
    Entity,
    experiment_of,
    logged_key_of,
    logged_model_of,
    measuring_runs,
    models_made,
    models_read,
    registered_model_of,
    run_of,
    version_of,
)
from app.ingest.sources.mlflow.registry_ids import ReadObject, logged_id_of, logged_model, tracked_run
from app.ingest.sources.mlflow.registry_import import RegistryImport
from app.ingest.sources.mlflow.registry_records import ExperimentRecord, LoggedModelKey, RunRecord
from policies.errors import InvalidError


@dataclass(slots=True)
class RegistryObject:
    """The object with a type and an id, as a source of assets; ``importing`` is the import of its registry.

    The id is that of MLflow: of a version its model and number, such as ``fraud/7``, of a registered model its name.
    ``asset`` is what the object became, and ``aliases`` those of a registered model; None until they were read.
    """

    importing: RegistryImport
    object_type: str
    object_id: str
    asset: SourceAsset | None = field(default=None, init=False)
    aliases: Sequence[AliasTarget] | None = field(default=None, init=False)

    @property
    def with_aliases(self) -> bool:
        """Whether the aliases of a registered model are set."""
        return self.importing.with_aliases

    def pages(self) -> Iterator[Page]:
        """Yield the asset; of a registered model also the versions with an alias, and then the aliases.

        An alias is set only for a registered version, whose own event may come later, or be lost.
        Raises AbsentObjectError, RegistryError, and InvalidError for an id of another form.
        """
        self.asset = _READERS[self.object_type](self, self.object_id)
        yield [self.asset]
        if self.object_type == "registered_model" and self.with_aliases:
            model = registered_model_of(self._model(self.object_id))
            versions = dict.fromkeys(model.aliases.values())
            yield [self.model_version(f"{model.name}/{each}") for each in versions]
            self.aliases = self.importing.mapping.aliases(model)
            yield self.aliases

    def completed(self, asset: SourceAsset) -> SourceAsset:
        """Return the asset as :meth:`RegistryImport.completed` does."""
        return self.importing.completed(asset)

    def has(self, kind: str, foreign_id: str) -> bool:
        """Return whether the registry has an asset, as :meth:`RegistryImport.has` does."""
        return self.importing.has(kind, foreign_id)

    def experiment(self, object_id: str) -> SourceAsset:
        """Return the workflow of an experiment."""
        return self.importing.mapping.experiment(self._experiment(object_id))

    def run(self, object_id: str) -> SourceAsset:
        """Return a run, with the logged models that it names."""
        entity = self._found(tracked_run(object_id))
        named = self._all((*models_read(entity), *models_made(entity)), logged_model)
        models: dict[str, LoggedModelKey] = {each.model_id: logged_key_of(each) for each in named}
        record = run_of(entity, models)
        return self.importing.mapping.run(record, self._experiment(record.experiment))

    def logged_model(self, object_id: str) -> SourceAsset:
        """Return a logged model, with an evaluation for each content of data on which it was measured."""
        entity = self._found(logged_model(object_id))
        record = logged_model_of(entity, self._runs(measuring_runs(entity)))
        return self.importing.mapping.logged_model(record, self._experiment(record.key.experiment))

    def registered_model(self, object_id: str) -> SourceAsset:
        """Return a registered model."""
        return self.importing.mapping.model(registered_model_of(self._model(object_id)))

    def model_version(self, object_id: str) -> SourceAsset:
        """Return a version of a registered model, with its run and its logged model where they exist.

        Raises InvalidError if the id does not end in a slash and a number.
        """
        name, _, number = object_id.rpartition("/")
        if not name or not (number.isascii() and number.isdecimal()):
            raise InvalidError(f"{object_id!r} is no version; write the model and the number, such as fraud/7.")
        model = registered_model_of(self._model(name))
        entity = self._found(lambda client: client.get_model_version(name, number))
        runs = self._runs([entity.run_id] if entity.run_id else [])
        logged = [logged_model_of(each, {}) for each in self._all([logged_id_of(entity)], logged_model)]
        aliases = (alias for alias, version in model.aliases.items() if version == str(entity.version))
        record = version_of(entity, aliases, runs.get(entity.run_id), next(iter(logged), None))
        return self.importing.mapping.version(record, model)

    def _experiment(self, experiment: str) -> ExperimentRecord:
        return experiment_of(self._found(lambda client: client.get_experiment(experiment)))

    def _model(self, name: str) -> Entity:
        return self._found(lambda client: client.get_registered_model(name))

    def _runs(self, ids: Iterable[str]) -> dict[str, RunRecord]:
        return {each.info.run_id: run_of(each, {}) for each in self._all(ids, tracked_run)}

    def _all(self, ids: Iterable[str], reading: Callable[[str], ReadObject]) -> list[Entity]:
        """Return the objects with these ids, of those that exist; empty ids are left out."""
        found = (self.importing.registry.read_object(reading(each)) for each in dict.fromkeys(ids) if each)
        return [each for each in found if each is not None]

    def _found(self, read: ReadObject) -> Entity:
        """Return the object of a call; raises AbsentObjectError if there is none."""
        found = self.importing.registry.read_object(read)
        if found is None:
            raise AbsentObjectError(f"The registry has no {self.object_type} {self.object_id!r}, or a part of it.")
        return found


_READERS: Final[dict[str, Callable[[RegistryObject, str], SourceAsset]]] = {
    "experiment": RegistryObject.experiment,
    "logged_model": RegistryObject.logged_model,
    "model_version": RegistryObject.model_version,
    "registered_model": RegistryObject.registered_model,
    "run": RegistryObject.run,
}
"""The reader of each type of objects; a test compares the types with those that events may name."""
