"""How things at Harbour are called: one function per place where assets live, and the calendar of the story."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from graphql_schema.catalog.urn import make_urn

Item = dict[str, dict[str, Any]]
"""One ``AssetInput`` object."""

_FIRST_MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)


def instant(day: float) -> str:
    """Write the instant so many days after the story's first Monday, six o'clock UTC, as RFC 3339."""
    return (_FIRST_MONDAY + timedelta(days=day)).isoformat()


def team(name: str) -> str:
    """Name a team."""
    return make_urn("team", "catalog", "", name)


def user(name: str) -> str:
    """Name a person or a service account."""
    return make_urn("user", "catalog", "", name)


def domain(name: str) -> str:
    """Name a business area."""
    return make_urn("domain", "catalog", "", name)


def tag(name: str) -> str:
    """Name a classification."""
    return make_urn("tag", "catalog", "", name)


def stream(name: str) -> str:
    """Name a stream of events."""
    return make_urn("dataset", "kafka", "events", name)


def table(name: str) -> str:
    """Name a table of the warehouse."""
    return make_urn("dataset", "warehouse", "harbour", name)


def snapshot(name: str, version: str) -> str:
    """Name one snapshot of a table."""
    return make_urn("dataset-version", "warehouse", "harbour", name, version)


def feature_set(name: str) -> str:
    """Name a group of features."""
    return make_urn("feature-set", "feast", "harbour", name)


def feature(group: str, name: str) -> str:
    """Name a feature of a group."""
    return make_urn("feature", "feast", group, name)


def model(name: str) -> str:
    """Name a model."""
    return make_urn("model", "mlflow", "harbour", name)


def model_version(name: str, version: str) -> str:
    """Name a version of a model."""
    return make_urn("model-version", "mlflow", "harbour", name, version)


def workflow(name: str) -> str:
    """Name a pipeline."""
    return make_urn("workflow", "airflow", "harbour", name)


def run(pipeline: str, number: int) -> str:
    """Name one execution of a pipeline."""
    return make_urn("run", "airflow", pipeline, f"{pipeline}-{number:04}")


def evaluation(name: str, version: str, kind: str) -> str:
    """Name an evaluation of a model version."""
    return make_urn("evaluation", "mlflow", name, f"{name}-{version}-{kind}")


def service(name: str) -> str:
    """Name a production service."""
    return make_urn("service", "kubernetes", "production", name)


def deployment(name: str, version: str, where: str) -> str:
    """Name a model version that serves somewhere."""
    return make_urn("deployment", "kubernetes", where, f"{name}-{version}")


def experiment(name: str) -> str:
    """Name an online test."""
    return make_urn("experiment", "abtest", "harbour", name)


def cell(test: str, arm: str) -> str:
    """Name an arm of an online test."""
    return make_urn("experiment-cell", "abtest", test, arm)


def report(name: str) -> str:
    """Name a dashboard or document."""
    return make_urn("report", "looker", "harbour", name)


def digest(text: str) -> str:
    """Make up the content digest of something that has no content."""
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def owned_by(group: str, *stewards: str) -> list[dict[str, str]]:
    """Let a team own something, and people look after its meaning."""
    return [{"owner": team(group), "ownership": "TECHNICAL"}] + [
        {"owner": user(name), "ownership": "STEWARD"} for name in stewards
    ]


def link(relation: str, source: str, target: str, **facts: Any) -> Item:  # noqa: ANN401 - JSON values
    """Draw an edge that no field of an item declares."""
    return {"link": {"relation": relation, "from": source, "to": target, **facts}}
