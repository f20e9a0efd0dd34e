"""The objects of an MLflow registry as plain values, without types of the MLflow client.

Instants are milliseconds since 1970, as in MLflow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One measured value; ``dataset`` is name and digest if the value is bound to data, and ``run`` the run's id."""

    name: str
    value: float
    step: int
    timestamp: int
    dataset: tuple[str, str] | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class ExperimentRecord:
    """One experiment: a group of runs."""

    id: str
    name: str
    created_at: int | None
    deleted: bool
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DatasetUse:
    """One data set that a run read; ``context`` is the use of the data, such as ``training``, empty if unknown.

    ``source``, ``schema`` and ``profile`` are texts, usually JSON.
    """

    name: str
    digest: str
    context: str = ""
    source_type: str = ""
    source: str = ""
    schema: str = ""
    profile: str = ""

    @property
    def is_evaluation(self) -> bool:
        """Whether the run read the data to measure a model, and not to make one; false for validation data."""
        return self.context.lower().startswith(("test", "eval"))


@dataclass(frozen=True, slots=True)
class LoggedModelKey:
    """What identifies a logged model: the experiment, the name, and the id of MLflow, such as ``m-3f5e``."""

    experiment: str
    name: str
    id: str


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run. ``metrics`` has the latest value of each metric.

    ``models_read`` and ``models_made`` are the logged models that the run names as inputs and outputs; ``unresolved``
    has the ids of those that the registry does not return.
    """

    id: str
    experiment: str
    name: str
    status: str
    started_at: int | None
    ended_at: int | None
    deleted: bool
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[MetricPoint, ...] = ()
    datasets: tuple[DatasetUse, ...] = ()
    models_read: tuple[LoggedModelKey, ...] = ()
    models_made: tuple[LoggedModelKey, ...] = ()
    unresolved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoggedModelRecord:
    """One logged model: the files of a model that a run wrote, whether they are registered or not.

    ``evaluated_in`` has, for each run that measured a metric, the data that the run read for evaluation: id of the run,
    name and digest of the data.
    """

    key: LoggedModelKey
    status: str
    created_at: int | None
    artifact_uri: str
    model_type: str = ""
    run: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[MetricPoint, ...] = ()
    evaluated_in: frozenset[tuple[str, str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class RegisteredModelRecord:
    """One registered model; ``aliases`` has the version of each alias."""

    name: str
    description: str | None
    created_at: int | None
    tags: Mapping[str, str]
    aliases: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One version of a registered model, with its run and its logged model where the registry returns them.

    ``run_id`` is set also if the run is gone.
    """

    model: str
    version: str
    description: str | None
    created_at: int | None
    stage: str
    status: str
    source: str
    run_id: str | None
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    run: RunRecord | None = None
    logged: LoggedModelRecord | None = None
