"""URNs of the demo estate, by kind of asset, and its calendar."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from graphql_schema.catalog.urn import make_urn
from graphql_schema.ports.record import Json, JsonObject

Item = dict[str, JsonObject]
"""One ``AssetInput`` object."""

_FIRST_MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)


def instant(day: float) -> str:
    """Return the instant a number of days after the first Monday of the estate, 06:00 UTC, as RFC 3339 text."""
    return (_FIRST_MONDAY + timedelta(days=day)).isoformat()


def team(name: str) -> str:
    """Return the URN of a team."""
    return make_urn("team", "catalog", "", name)


def user(name: str) -> str:
    """Return the URN of a person or a service account."""
    return make_urn("user", "catalog", "", name)


def domain(name: str) -> str:
    """Return the URN of a business area."""
    return make_urn("domain", "catalog", "", name)


def tag(name: str) -> str:
    """Return the URN of a tag."""
    return make_urn("tag", "catalog", "", name)


def stream(name: str) -> str:
    """Return the URN of a stream of events."""
    return make_urn("dataset", "kafka", "events", name)


def table(name: str) -> str:
    """Return the URN of a table of the warehouse."""
    return make_urn("dataset", "warehouse", "harbour", name)


def snapshot(name: str, version: str) -> str:
    """Return the URN of one snapshot of a table."""
    return make_urn("dataset-version", "warehouse", "harbour", name, version)


def feature_set(name: str) -> str:
    """Return the URN of a feature set."""
    return make_urn("feature-set", "feast", "harbour", name)


def feature(group: str, name: str) -> str:
    """Return the URN of a feature of the feature set ``group``."""
    return make_urn("feature", "feast", group, name)


def model(name: str) -> str:
    """Return the URN of a model."""
    return make_urn("model", "mlflow", "harbour", name)


def model_version(name: str, version: str) -> str:
    """Return the URN of a version of a model."""
    return make_urn("model-version", "mlflow", "harbour", name, version)


def workflow(name: str) -> str:
    """Return the URN of a pipeline."""
    return make_urn("workflow", "airflow", "harbour", name)


def run(pipeline: str, number: int) -> str:
    """Return the URN of one execution of a pipeline."""
    return make_urn("run", "airflow", pipeline, f"{pipeline}-{number:04}")


def evaluation(name: str, version: str, kind: str) -> str:
    """Return the URN of an evaluation of a model version."""
    return make_urn("evaluation", "mlflow", name, f"{name}-{version}-{kind}")


def service(name: str) -> str:
    """Return the URN of a production service."""
    return make_urn("service", "kubernetes", "production", name)


def deployment(name: str, version: str, environment: str) -> str:
    """Return the URN of a deployment of a model version."""
    return make_urn("deployment", "kubernetes", environment, f"{name}-{version}")


def experiment(name: str) -> str:
    """Return the URN of an online test."""
    return make_urn("experiment", "abtest", "harbour", name)


def cell(test: str, arm: str) -> str:
    """Return the URN of an arm of an online test."""
    return make_urn("experiment-cell", "abtest", test, arm)


def report(name: str) -> str:
    """Return the URN of a chart or dashboard."""
    return make_urn("report", "looker", "harbour", name)


def digest(text: str) -> str:
    """Return a content digest made of a text, because demo assets have no content."""
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def owned_by(group: str, *stewards: str) -> list[dict[str, str]]:
    """Return the owners of an asset: a team, and users as stewards."""
    return [{"owner": team(group), "ownership": "TECHNICAL"}] + [
        {"owner": user(name), "ownership": "STEWARD"} for name in stewards
    ]


def link(relation: str, source: str, target: str, **properties: Json) -> Item:
    """Return the item of an edge; ``properties`` are further fields of ``LinkInput``, such as ``origin``."""
    return {"link": {"relation": relation, "from": source, "to": target, **properties}}
