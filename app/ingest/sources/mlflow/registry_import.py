"""The import of a registry in stages: experiments, runs and logged models, registered models with versions, aliases.

Experiments are first, because runs and logged models are read by experiment. Aliases are last, because an alias is set
only for a registered version. The order of the other stages does not matter: a reference may precede its target.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Final

import orjson

from app.ingest.load.incremental_load import Page
from app.ingest.load.source_asset import SourceAsset
from app.ingest.sources.mlflow.asset_draft import SYSTEM
from app.ingest.sources.mlflow.mapping import RegistryMapping
from app.ingest.sources.mlflow.registry_client import RegistryClient
from app.ingest.sources.mlflow.registry_records import ExperimentRecord
from graphql_schema.ports.record import JsonObject

POINTS: Final = f"{SYSTEM}points"
"""The key of the property with the numbers of points of a run's metrics, by name, as a JSON object."""


@dataclass(slots=True)
class MetricExtremes:
    """The least and the greatest finite value of a metric so far, and the number of all its points."""

    metric: str
    least: float = inf
    greatest: float = -inf
    points: int = 0

    def add(self, values: Sequence[float]) -> None:
        """Add the values of further points."""
        finite = [each for each in values if isfinite(each)]
        self.points += len(values)
        self.least, self.greatest = min([self.least, *finite]), max([self.greatest, *finite])

    @property
    def slices(self) -> list[JsonObject]:
        """The extremes as metrics; none if no value is finite."""
        if self.least > self.greatest:
            return []
        return [
            {"name": self.metric, "value": self.least, "slice": "min"},
            {"name": self.metric, "value": self.greatest, "slice": "max"},
        ]


@dataclass(slots=True)
class RegistryImport:
    """A registry as a source of assets; ``with_aliases`` is false to leave the aliases out."""

    registry: RegistryClient
    mapping: RegistryMapping
    with_aliases: bool = True
    _experiments: dict[str, ExperimentRecord] = field(default_factory=dict)

    def pages(self) -> Iterator[Page]:
        """Yield all assets in pages, then the aliases; raises RegistryError."""
        for experiments in self.registry.experiments():
            self._experiments |= {each.id: each for each in experiments}
            yield [self.mapping.experiment(each) for each in experiments]
        for experiment in self._experiments.values():
            for runs in self.registry.runs(experiment.id):
                yield [self.mapping.run(each, experiment) for each in runs]
            for logged in self.registry.logged_models(experiment.id):
                yield [self.mapping.logged_model(each, experiment) for each in logged]
        for models in self.registry.registered_models():
            yield [self.mapping.model(each) for each in models]
            for model in models:
                for versions in self.registry.versions(model):
                    yield [self.mapping.version(each, model) for each in versions]
        if self.with_aliases:
            for models in self.registry.registered_models():
                yield [target for each in models for target in self.mapping.aliases(each)]

    def completed(self, asset: SourceAsset) -> SourceAsset:
        """Return a run with the extremes and the number of points of each metric whose last step is above 0.

        Another asset is returned as it is.
        """
        if asset.kind != "run":
            return asset
        body = asset.value["run"]
        metrics, properties, points = [*body.get("metrics", ())], [*body["properties"]], dict[str, int]()
        for metric, step, _ in asset.basis:
            if step > 0:
                extremes = self._extremes(asset.foreign_id, metric)
                metrics += extremes.slices
                points[metric] = extremes.points
        if points:  # one property, because a run may have more metrics than an asset has properties
            properties.append({"key": POINTS, "value": orjson.dumps(points, option=orjson.OPT_SORT_KEYS).decode()})
        found = {"metrics": metrics, "properties": properties}
        return asset.with_values(**{name: values for name, values in found.items() if values})

    def has(self, kind: str, foreign_id: str) -> bool:
        """Return whether the registry still has an asset or alias, by the key of its item and its id there."""
        return self.registry.has(kind, foreign_id)

    def _extremes(self, run: str, metric: str) -> "MetricExtremes":
        found = MetricExtremes(metric)
        for page in self.registry.history(run, metric):
            found.add([each.value for each in page])
        return found
