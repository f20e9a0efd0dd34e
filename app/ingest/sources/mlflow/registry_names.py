"""Makes the ids of what an MLflow registry names.

Everything has the source ``mlflow``; the namespace says which registry it is, ``default`` for a company with one. A
logged model is a version of a model of its name in its experiment. The namespace of that model ends in
``/logged-models``, so that it never has the id of a registered model.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import orjson

from app.ingest.shown_address import without_credentials
from app.ingest.sources.mlflow.registry_records import LoggedModelKey
from app.ingest.sources.openlineage.event_names import EventNames
from graphql_schema.catalog.urn import make_urn
from policies.errors import InvalidError

SOURCE: Final = "mlflow"

_LOGGED: Final = "logged-models"
_COPIED: Final = re.compile(r"models:/([^/]+)/([^/?]+)(?:\?.*)?", re.DOTALL)
"""The source of a version that was copied; MLflow reads the version up to a question mark, and `#` as any character.

A question mark in the name is a part of it: MLflow writes the source from name and version as they are.
"""

_PLACE: Final = re.compile(r"((?:s3[an]?|gs|gcs|wasbs?|abfss?|hdfs|dbfs)://[^/]+)/+(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RegistryNames:
    """The ids of one registry; ``namespace`` differs for each registry."""

    namespace: str = "default"

    @property
    def namespaces(self) -> tuple[str, str]:
        """The namespaces of the ids that the methods return, other than those of places of data."""
        return self.namespace, f"{self.namespace}/{_LOGGED}"

    def experiment(self, experiment: str) -> str:
        """Return the id of the workflow that an experiment becomes; ``experiment`` is its id in MLflow."""
        return make_urn("workflow", SOURCE, self.namespace, experiment)

    def run(self, run: str) -> str:
        """Return the id of a run."""
        return make_urn("run", SOURCE, self.namespace, run)

    def evaluation_run(self, run: str) -> str:
        """Return the id of the child run that reads the evaluation data of a run."""
        return make_urn("run", SOURCE, self.namespace, f"{run}/evaluation")

    def dataset(self, name: str) -> str:
        """Return the id of a data set."""
        return make_urn("dataset", SOURCE, self.namespace, name)

    def dataset_version(self, name: str, digest: str) -> str:
        """Return the id of the content of a data set with a digest; of one that is too long, its SHA-256 is used."""
        try:
            return make_urn("dataset-version", SOURCE, self.namespace, name, digest)
        except InvalidError:
            return make_urn("dataset-version", SOURCE, self.namespace, name, sha256(digest.encode()).hexdigest())

    def model(self, name: str) -> str:
        """Return the id of a registered model."""
        return make_urn("model", SOURCE, self.namespace, name)

    def version(self, model: str, version: str) -> str:
        """Return the id of a version of a registered model."""
        return make_urn("model-version", SOURCE, self.namespace, model, version)

    def copied_version(self, source: str) -> str | None:
        """Return the id of the version that the source of another one names, None if it names none."""
        found = _COPIED.fullmatch(source)
        try:
            return found and self.version(found[1], found[2])
        except InvalidError:  # it is too long for an id
            return None

    def logged_name(self, key: LoggedModelKey) -> str:
        """Return the id of the model of which a logged model is a version."""
        return make_urn("model", SOURCE, self.namespaces[1], f"{key.experiment}/{key.name}")

    def logged_model(self, key: LoggedModelKey) -> str:
        """Return the id of a logged model."""
        return make_urn("model-version", SOURCE, self.namespaces[1], f"{key.experiment}/{key.name}", key.id)

    def evaluation(self, model: str, dataset: tuple[str, str]) -> str:
        """Return the id of the evaluation of a logged model on data with a digest."""
        name, digest = (each.replace("%", "%25").replace("@", "%40") for each in dataset)
        return make_urn("evaluation", SOURCE, self.namespace, f"{model}/{name}@{digest}")


def place_of(source: str) -> str | None:
    """Return the id of the dataset that a source of data names by an address in an object store, else None.

    An event of OpenLineage about the same place gives the same id, unless the server has a pattern of `MLG_NAMESPACES`
    for the place. A place that is too long for an id has none.
    """
    found = _PLACE.fullmatch(location_of(source) or "")
    try:
        return found and EventNames().dataset(found[1], found[2]).urn
    except InvalidError:
        return None


def location_of(source: str) -> str | None:
    """Return the address, path or table in the text of a source, which is JSON or a plain address; None without one.

    The parts that `without_credentials` removes are left out.
    """
    try:
        value = orjson.loads(source)
    except orjson.JSONDecodeError:
        value = {"uri": source}
    if not isinstance(value, Mapping):
        return None
    named = (value.get(key) for key in ("uri", "url", "path", "table_name", "delta_table_name", "name"))
    found = next((each for each in named if isinstance(each, str) and each), None)
    return found and without_credentials(found)
