"""Reads an imported MLflow registry back through GraphQL, in the form of `tests/data/mlflow/expected.json`."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

PART = "%2Fevaluation"
"""The end of the ids of runs that are the part of another run that evaluates."""

Read = Callable[..., Any]
"""Runs a query with variables, and returns its data; it is a coroutine function."""

_ASSETS = """query ($kind: AssetKind!, $after: Cursor) {
  assets(filter: {kinds: [$kind], source: {eq: "mlflow"}}, orderBy: {field: ID}, first: 20, after: $after) {
    pageInfo { hasNextPage endCursor } nodes { id namespace displayName description
      hydration stage properties { key value }
      ... on Run { state params { key value } metrics { name value slice } workflow { id displayName } parentRun { id }
        outputs { nodes { id } }
        upstream(filter: {relations: [INPUT_TO]}, first: 30) { nodes { from to properties { key value } } } }
      ... on DatasetVersion { version contentDigest dataset { id name } }
      ... on Model { name aliases { name version { id } } }
      ... on ModelVersion { version model { id } trainingRun { id } trainedOn { nodes { id } } params { key value }
        metrics { name value } evaluations { nodes { id } } }
      ... on Evaluation { metrics { name value }
        modelVersion { id } contamination { verdict } evaluatedOn { nodes { id } } run { id } }
      ... on Workflow { workflowKind } } } }"""


class GraphOfRegistry:
    """The imported assets of all kinds, by kind and id."""

    def __init__(self, assets: dict[str, dict[str, Any]]) -> None:
        self.parts = {each["parentRun"]["id"]: each for key, each in assets["RUN"].items() if key.endswith(PART)}
        self.runs = {key: each for key, each in assets["RUN"].items() if not key.endswith(PART)}
        self.snapshots = assets["DATASET_VERSION"]
        self.datasets, self.evaluations = assets["DATASET"], assets["EVALUATION"]
        self.experiments = {key: each for key, each in assets["WORKFLOW"].items() if each["workflowKind"]}
        self.models = {key: each for key, each in assets["MODEL"].items() if each["namespace"] == "default"}
        versions = assets["MODEL_VERSION"]
        self.versions = {key: each for key, each in versions.items() if each["namespace"] == "default"}
        self.logged = {key: each for key, each in versions.items() if each["namespace"] != "default"}
        stubs = [each["id"] for kind in assets.values() for each in kind.values() if each["hydration"] == "STUB"]
        assert [each for each in stubs if each not in self.datasets] == []

    def expected(self) -> dict[str, Any]:
        """Return what `expected.json` has, except its text."""
        return {
            "counts": self._counts(),
            "models": {each["name"]: self._model(each) for each in self.models.values()},
            "versions": [self._version(each) for each in sorted(self.versions.values(), key=self._rank)],
            "runs_by_dataset_digest": self._runs_by_digest(),
            "champion_training_data": self._champions(),
            "parent_runs": self._parents(),
        }

    def histories(self) -> dict[str, dict[str, Any]]:
        """Return number, least, greatest and latest value of each metric with several points, or with no number."""
        found = {}
        for run in self.runs.values():
            values = {(each["name"], each["slice"]): each["value"] for each in run["metrics"] or []}
            kept, counts = properties(run), points_of(run)
            for (name, part), value in values.items():
                if part == "min":
                    points = counts[name]
                    extremes = {"least": value, "greatest": values[name, "max"], "latest": values[name, None]}
                    found[f"{run['displayName']}/{name}"] = {"points": points, **extremes}
            for key in kept:
                if key.startswith("mlflow.metric."):
                    found[f"{run['displayName']}/{key.removeprefix('mlflow.metric.')}"] = {"latest": kept[key]}
        return found

    def inputs(self, run: dict[str, Any]) -> list[list[str]]:
        """Return name, digest and context of each use of data by a run, and by the part of it that evaluates."""
        part = self.parts.get(run["id"])
        rows = [*run["upstream"]["nodes"], *(part["upstream"]["nodes"] if part else [])]
        edges = [each for each in rows if each["to"] in {run["id"], part and part["id"]}]
        found = []
        for each in edges:
            contexts = {pair["key"]: pair["value"] for pair in each["properties"]}["mlflow.context"]
            found += [[*self.data(each["from"]), context] for context in contexts.split(", ")]
        return sorted(found)

    def data(self, urn: str) -> list[str]:
        """Return name and digest of a version of data."""
        snapshot = self.snapshots[urn]
        assert snapshot["version"] == snapshot["contentDigest"]
        return [snapshot["dataset"]["name"], snapshot["contentDigest"]]

    def _rank(self, version: dict[str, Any]) -> tuple[str, int]:
        return self.models[version["model"]["id"]]["name"], int(version["version"])

    def _counts(self) -> dict[str, Any]:
        runs, used = self.runs.values(), [(run, each) for run in self.runs.values() for each in self.inputs(run)]
        points = [self._points(run) for run in runs]
        latest = sum(len(each) for each in points)
        outputs = {(run["id"], each["id"]) for run in runs for each in run["outputs"]["nodes"]} & {
            (run["id"], each) for run in runs for each in self.logged
        }
        return {
            "experiments": sum(each["displayName"] != "Default" for each in self.experiments.values()),
            "experiments_with_default": len(self.experiments),
            "runs": len(runs),
            "runs_active": sum(properties(run)["mlflow.lifecycleStage"] == "active" for run in runs),
            "runs_by_status": dict(Counter({"COMPLETE": "FINISHED", "FAIL": "FAILED"}[run["state"]] for run in runs)),
            "nested_runs": sum(run["parentRun"] is not None for run in runs),
            "dataset_names": len(self.datasets),
            "dataset_digests": len(self.snapshots),
            "dataset_rows": len({(run["workflow"]["id"], *each[:2]) for run, each in used}),
            "dataset_inputs": len(used),
            "logged_models": len(self.logged),
            "run_outputs": len(outputs),
            "registered_models": len(self.models),
            "model_versions": len(self.versions),
            "aliases": sum(len(each["aliases"]) for each in self.models.values()),
            "model_tags": sum(len(tags(each)) for each in self.models.values()),
            "version_tags": sum(len(tags(each)) for each in self.versions.values()),
            "params": sum(len(run["params"] or []) for run in runs),
            "metric_points": sum(sum(each.values()) for each in points),
            "latest_metrics": latest,
            "evaluations": sum(len(each["metrics"]) for each in self.evaluations.values()),
        }

    def _points(self, run: dict[str, Any]) -> dict[str, int]:
        """Return the number of points of each metric of a run."""
        kept, plain = properties(run), [each["name"] for each in run["metrics"] or [] if each["slice"] is None]
        odd = [key.removeprefix("mlflow.metric.") for key in kept if key.startswith("mlflow.metric.")]
        return {name: points_of(run).get(name, 1) for name in [*plain, *odd]}

    def _model(self, model: dict[str, Any]) -> dict[str, Any]:
        numbers = [int(each["version"]) for each in self.versions.values() if each["model"]["id"] == model["id"]]
        return {"description": model["description"], "tags": tags(model), "versions": sorted(numbers)}

    def _version(self, version: dict[str, Any]) -> dict[str, Any]:
        model = self.models[version["model"]["id"]]
        run = self.runs[version["trainingRun"]["id"]] if version["trainingRun"] else None
        assert (version["params"] or None) == ((run or {}).get("params") or None)
        return {
            "model": model["name"],
            "version": int(version["version"]),
            "run": run and run["displayName"],
            "run_lifecycle": run and properties(run)["mlflow.lifecycleStage"],
            "experiment": run and run["workflow"]["displayName"],
            "aliases": sorted(each["name"] for each in model["aliases"] if each["version"]["id"] == version["id"]),
            "tags": tags(version),
            "datasets": self.inputs(run) if run else [],
            "metrics": {each["name"]: each["value"] for each in version["metrics"] or []},
            "evaluations": sorted(
                each for one in version["evaluations"]["nodes"] for each in self._evaluated(one["id"])
            ),
            "params": {each["key"]: each["value"] for each in version["params"] or []},
        }

    def _evaluated(self, urn: str) -> Iterable[list[Any]]:
        evaluation = self.evaluations[urn]
        (on,) = evaluation["evaluatedOn"]["nodes"]
        return [[each["name"], each["value"], *self.data(on["id"])] for each in evaluation["metrics"]]

    def _runs_by_digest(self) -> dict[str, list[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for run in self.runs.values():
            for name, digest, _ in self.inputs(run):
                found[f"{name}@{digest}"].add(run["displayName"])
        return {key: sorted(names) for key, names in found.items()}

    def _champions(self) -> dict[str, list[list[str]]]:
        found = {}
        for model in self.models.values():
            for alias in model["aliases"]:
                if alias["name"] == "champion":
                    data = self.versions[alias["version"]["id"]]["trainedOn"]["nodes"]
                    found[model["name"]] = sorted([*self.data(each["id"]), "training"] for each in data)
        return found

    def _parents(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for run in self.runs.values():
            if run["parentRun"]:
                found[self.runs[run["parentRun"]["id"]]["displayName"]].append(run["displayName"])
        return {name: sorted(below) for name, below in found.items()}


async def read_registry(read: Read) -> GraphOfRegistry:
    """Return the imported assets; ``read`` takes a document and variables."""
    kinds = ("WORKFLOW", "RUN", "DATASET", "DATASET_VERSION", "MODEL", "MODEL_VERSION", "EVALUATION")
    assets: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        after, more = None, True
        assets[kind] = {}
        while more:
            page = (await read(_ASSETS, kind=kind, after=after))["assets"]
            assets[kind] |= {each["id"]: each for each in page["nodes"]}
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    return GraphOfRegistry(assets)


def properties(asset: dict[str, Any]) -> dict[str, str]:
    """Return the properties of an asset by key."""
    return {each["key"]: each["value"] for each in asset["properties"]}


def points_of(run: dict[str, Any]) -> dict[str, int]:
    """Return the number of points of each metric of a run that has several."""
    found: dict[str, int] = json.loads(properties(run).get("mlflow.points", "{}"))
    return found


def tags(asset: dict[str, Any]) -> dict[str, str]:
    """Return the tags of MLflow that an asset keeps as properties."""
    begin = "mlflow.tag."
    return {key.removeprefix(begin): value for key, value in properties(asset).items() if key.startswith(begin)}
