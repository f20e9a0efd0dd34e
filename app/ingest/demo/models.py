"""Models with three versions each, trained weekly; versions 2 and 3 are evaluated against the one before.

One training run of some models fails.
"""

# ruff: noqa: E501 - one row of a table a line, so that it reads as a table

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from app.ingest.demo.datasets import WEEKS
from app.ingest.demo.features import FEATURES
from app.ingest.demo.ids import (
    Item,
    digest,
    domain,
    evaluation,
    feature,
    feature_set,
    instant,
    link,
    model,
    model_version,
    owned_by,
    run,
    snapshot,
    table,
    tag,
    user,
    workflow,
)
from graphql_schema.ports.record import JsonObject


class DemoModel(NamedTuple):
    """One model; the value of its ``metric`` is about ``start`` for version 1 and rises with each version.

    Only the value of the version in `_FAILED_EVALUATION` falls.
    """

    name: str
    team: str
    domain: str
    task: str
    use: str
    trained_on: str
    features: tuple[str, ...]
    metric: str
    start: float
    risk: str = "LOW"
    trainer: str = "ada"
    based_on: str | None = None
    failed_once: bool = False


MODELS = (
    DemoModel("title-embedder", "content-understanding", "discovery", "embedding", "Turns titles into vectors that others build on", "watch-history", ("title-vectors",), "recall_at_50", 0.58, trainer="finn"),
    DemoModel("homepage-ranker", "ranking", "discovery", "ranking", "Orders the titles on the home page", "impressions", ("profile-taste", "title-popularity"), "ndcg_at_10", 0.41, "MEDIUM", "ada", "title-embedder", failed_once=True),
    DemoModel("search-ranker", "ranking", "discovery", "ranking", "Orders search results", "searches", ("query-intent", "title-popularity"), "mrr", 0.52, "LOW", "ci-ranking", "title-embedder"),
    DemoModel("ad-click", "ads", "advertising", "classification", "Predicts whether an advertisement is clicked", "ad-clicks", ("ad-affinity", "profile-taste"), "auc", 0.71, "MEDIUM", "bo"),
    DemoModel("ad-pacing", "ads", "advertising", "forecasting", "Spreads a campaign's budget over its flight", "ad-clicks", ("ad-affinity",), "mape", 0.19, "LOW", "gus", failed_once=True),
    DemoModel("churn", "growth", "commerce", "classification", "Predicts who may cancel next month", "engagement-weekly", ("account-engagement", "account-plan"), "auc", 0.79, "MEDIUM", "ivo", failed_once=True),
    DemoModel("lifetime-value", "growth", "commerce", "regression", "Estimates what a subscriber will bring", "engagement-weekly", ("account-engagement", "account-plan"), "r2", 0.44, "LOW", "hana"),
    DemoModel("payment-fraud", "risk", "trust", "classification", "Stops payments that will be charged back", "payments", ("payment-history", "device-trust"), "pr_auc", 0.63, "HIGH", "karl"),
    DemoModel("account-takeover", "risk", "trust", "classification", "Asks for a second factor when a login looks stolen", "logins", ("device-trust",), "pr_auc", 0.57, "HIGH", "karl"),
)  # fmt: skip
"""All models; a base model comes before the models that are based on it."""

_FAILED_EVALUATION = ("churn", "3")
"""The version that failed its evaluation: trained while a day of plays was missing."""

_CONTAMINATED_EVALUATION = ("homepage-ranker", "3")
"""The version that was evaluated on the week that it was trained on."""

_CONFIDENTIAL = {"risk"}
_SEED = 20260105


def models() -> Iterator[Item]:
    """Yield every model, the pipeline that trains it, its versions, runs and evaluations, and links between these."""
    rng = Random(_SEED)  # noqa: S311 - demo data, no secret
    for one in MODELS:
        yield {"model": _model(one)}
        yield {"workflow": _pipeline(one)}
        if one.failed_once:
            yield _failed_run(one)
        for week, version in enumerate(("1", "2", "3")):
            yield from _trained(one, week, version, rng)
    yield link("FEEDS", feature_set("title-popularity"), model("homepage-ranker"), origin="OBSERVED")
    yield link("TRIGGERS", workflow("build-impressions"), workflow("train-homepage-ranker"))
    yield link("INPUT_TO", model_version("title-embedder", "2"), run("train-search-ranker", 3), origin="OBSERVED")


def _model(one: DemoModel) -> JsonObject:
    return {
        "id": model(one.name),
        "displayName": one.name,
        "description": one.use,
        "owners": owned_by(one.team, *(("cy",) if one.risk == "HIGH" else ())),
        "domain": domain(one.domain),
        "tags": [tag("tier-1")] if one.risk != "LOW" else [tag("experimental")] * (one.name == "lifetime-value"),
        "visibility": "TEAM" if one.team in _CONFIDENTIAL else "ORG",
        "sensitivity": "CONFIDENTIAL" if one.team in _CONFIDENTIAL else "INTERNAL",
        "task": one.task,
        "riskTier": one.risk,
        "intendedUse": one.use,
        "sourceCreatedAt": instant(-180),
    }


def _pipeline(one: DemoModel) -> JsonObject:
    return {
        "id": workflow(f"train-{one.name}"),
        "displayName": f"train-{one.name}",
        "owners": owned_by(one.team),
        "workflowKind": "training",
        "schedule": "0 6 * * 1",
        "codeRef": f"git+https://git.harbour.example/{one.team}@main#train/{one.name}",
        "sourceCreatedAt": instant(-180),
    }


def _failed_run(one: DemoModel) -> Item:
    return {
        "run": _run(one, 9, 13.8, "FAIL")
        | {
            "inputs": [snapshot(one.trained_on, WEEKS[1])],
            "error": "CUDA out of memory: tried to allocate 6.2 GiB; batch size 8192.",
            "endedAt": instant(13.9),
        }
    }


def _trained(one: DemoModel, week: int, version: str, rng: Random) -> Iterator[Item]:
    """Yield one version with its training run, its evaluation, and the edge from the version before."""
    number, day = week + 1, 7 * week + 0.5
    score = round(
        one.start + 0.02 * week + rng.uniform(-0.004, 0.004) - 0.09 * ((one.name, version) == _FAILED_EVALUATION), 4
    )
    training = _run(one, number, day, "COMPLETE")
    training["inputs"] = [snapshot(one.trained_on, WEEKS[week])]
    training["metrics"] = [{"name": "loss", "value": round(1 - score, 4)}]
    training["costUsd"] = round(rng.uniform(4, 60), 2)
    yield {"run": training}
    yield {"modelVersion": _version(one, week, version, score)}
    if week:
        yield link("PRECEDES", model_version(one.name, str(week)), model_version(one.name, version))
    yield {"evaluation": _evaluation(one, week, version, score)}


def _run(one: DemoModel, number: int, day: float, state: str) -> JsonObject:
    pipeline = f"train-{one.name}"
    return {
        "id": run(pipeline, number),
        "displayName": f"{pipeline} #{number}",
        "workflow": workflow(pipeline),
        "startedBy": user(one.trainer),
        "state": state,
        "startedAt": instant(day),
        "endedAt": instant(day + 0.2),
        "codeVersion": digest(f"{pipeline}-{number}")[7:19],
        "params": [{"key": "seed", "value": str(number)}],
    }


def _version(one: DemoModel, week: int, version: str, score: float) -> JsonObject:
    body = {
        "id": model_version(one.name, version),
        "displayName": f"{one.name} v{version}",
        "model": model(one.name),
        "version": version,
        "stage": "RETIRED" if week == 0 else "ACTIVE",
        "visibility": "TEAM" if one.team in _CONFIDENTIAL else "ORG",
        "framework": "pytorch" if one.based_on or one.task == "embedding" else "xgboost",
        "artifactUri": f"s3://harbour-models/{one.name}/{version}/model.bin",
        "digest": digest(f"{one.name}@{version}"),
        "codeRef": f"git+https://git.harbour.example/{one.team}@{digest(one.name + version)[7:19]}",
        "params": [{"key": "learning_rate", "value": "0.05"}, {"key": "rounds", "value": str(200 + 100 * week)}],
        "metrics": [{"name": one.metric, "value": score}],
        "trainingRun": run(f"train-{one.name}", week + 1),
        "trainedOn": [snapshot(one.trained_on, WEEKS[week])],
        "features": [feature(group, name) for group in one.features for name in FEATURES[group]],
        "sourceCreatedAt": instant(7 * week + 0.7),
    }
    return body | ({"basedOn": [model_version(one.based_on, str(min(week + 1, 2)))]} if one.based_on else {})


def _evaluation(one: DemoModel, week: int, version: str, score: float) -> JsonObject:
    failed = (one.name, version) == _FAILED_EVALUATION
    contaminated = (one.name, version) == _CONTAMINATED_EVALUATION
    body = {
        "id": evaluation(one.name, version, "offline"),
        "displayName": f"{one.name} v{version} offline",
        "owners": owned_by(one.team),
        "modelVersion": model_version(one.name, version),
        "evaluatedOn": [snapshot(one.trained_on, WEEKS[2]) if contaminated else table(f"golden-{one.trained_on}")],
        "evaluationKind": "OFFLINE",
        "verdict": "FAIL" if failed else "WARN" if one.name == "ad-pacing" and week == 1 else "PASS",
        "metrics": [
            {"name": one.metric, "value": score},
            {"name": one.metric, "value": round(score - 0.03, 4), "slice": "new-subscribers"},
        ],
        "visibility": "TEAM" if one.team in _CONFIDENTIAL else "ORG",
        "evaluatedAt": instant(7 * week + 0.9),
        "sourceCreatedAt": instant(7 * week + 0.9),
    }
    return body | ({"baseline": evaluation(one.name, str(week), "offline")} if week else {})
