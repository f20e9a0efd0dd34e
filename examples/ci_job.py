# /// script
# requires-python = ">=3.11"
# dependencies = ["httpx2"]
# ///
"""A training pipeline that records its run, and a release step that moves the alias `champion`, over HTTP.

    URL=http://127.0.0.1:8000 TOKEN=$(mlg token ci-ranking) APPROVER_TOKEN=$(mlg token eli) python examples/ci_job.py 42

It needs Python 3.11 and the package above: `uv run examples/ci_job.py 42` installs it, as does `pip install httpx2`.

The number is the build. A repeated or resumed build writes nothing twice: registration is idempotent, and the calls
that record events have idempotency keys. A key contains the model, because keys are scoped to the caller, and an
approver decides about many models. A rejected call, such as a promotion with a closed gate, ends the job with the
reason and exit code 1. `RISK_TIER` is the risk tier of the model, by default MEDIUM; policies/gates.toml defines the
requirements of each tier.
"""

import os
import sys
import time
from typing import Any

import httpx2

URL = os.environ.get("URL", "http://127.0.0.1:8000")
BUILD = sys.argv[1] if len(sys.argv) > 1 else "1"
MODEL = "mlg://model/mlflow/examples/next-title"
VERSION = f"mlg://model-version/mlflow/examples/next-title@{BUILD}"
RUN = f"mlg://run/ci/next-title/build-{BUILD}"
DATA = "mlg://dataset-version/warehouse/harbour/impressions@2026-w04"
RISK_TIER = os.environ.get("RISK_TIER", "MEDIUM")
TEAM = "mlg://team/catalog/default/ranking"

RECORD_RUN = """mutation ($input: RunInput!) {
  recordRun(input: $input) { outcome revision errors { code message inputPath } } }"""
REGISTER = """mutation ($input: RegisterAssetsInput!) { registerAssets(input: $input) {
  created updated unchanged failed results { outcome errors { code message inputPath } } } }"""
REPORT_CHECK = """mutation ($input: ReportCheckInput!) {
  reportCheck(input: $input) { result { id status } incident { id title } errors { code message inputPath } } }"""
APPROVE = """mutation ($input: ApproveInput!) {
  approve(input: $input) { approval { decision } errors { code message } } }"""
GATE = """query ($version: ID!, $model: ID!) {
  asset(id: $version) { ... on ModelVersion { gate(alias: "champion") { open missingApprovals
    failingEvaluations { id } blockingIncidents { title } sensitivityViolations } } }
  model: asset(id: $model) { ... on Model { version(alias: "champion") { id } } } }"""
SET_ALIAS = """mutation ($input: SetAliasInput!) { setAlias(input: $input) {
  changed alias { name version { id } } gate { open missingApprovals } errors { code message } } }"""


def ask(client: httpx2.Client, query: str, **variables: Any) -> dict[str, Any]:
    """Return the data of one request; retry on 503, which is safe because every write is idempotent."""
    for wait in (1, 2, 4, 8, None):
        response = client.post("/graphql", json={"query": query, "variables": variables})
        if response.status_code != httpx2.codes.SERVICE_UNAVAILABLE or wait is None:
            break
        time.sleep(float(response.headers.get("Retry-After", wait)))
    body: dict[str, Any] = response.json()
    if "errors" in body:
        raise SystemExit("\n".join(f"{error['extensions']['code']}: {error['message']}" for error in body["errors"]))
    data: dict[str, Any] = body["data"]
    return data


def done(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the payload of a mutation; end the job with the reasons if it has errors."""
    if payload["errors"]:
        raise SystemExit("\n".join(f"{error['code']}: {error['message']}" for error in payload["errors"]))
    return payload


def client(token: str) -> httpx2.Client:
    """Return a client of the API with a token."""
    return httpx2.Client(base_url=URL, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def train(ci: httpx2.Client) -> None:
    """Record the start of the run, then its model version, the evaluation and a check."""
    started = {"id": RUN, "workflow": "mlg://workflow/ci/next-title/train", "owners": [{"owner": TEAM}]}
    begun = done(ask(ci, RECORD_RUN, input={**started, "state": "RUNNING", "inputs": [DATA]})["recordRun"])
    print(f"the run: {begun['outcome']}, revision {begun['revision']}")

    items = [
        {"model": {"id": MODEL, "owners": [{"owner": TEAM}], "task": "ranking", "riskTier": RISK_TIER}},
        {
            "modelVersion": {
                "id": VERSION,
                "digest": f"sha256:{int(BUILD):064x}",
                "framework": "pytorch",
                "params": [{"key": "epochs", "value": "3"}],
                "trainingRun": RUN,
                "trainedOn": [DATA],
            }
        },
        {"run": {"id": RUN, "state": "COMPLETE", "outputs": [VERSION]}},
        {
            "evaluation": {
                "id": f"mlg://evaluation/ci/next-title/build-{BUILD}",
                "modelVersion": VERSION,
                "evaluatedOn": [DATA],
                "verdict": "PASS",
                "metrics": [{"name": "ndcg_at_10", "value": 0.44}],
            }
        },
    ]
    payload = ask(ci, REGISTER, input={"items": items, "idempotencyKey": f"next-title-{BUILD}"})["registerAssets"]
    for result in payload["results"]:
        done(result)
    print(f"registered: {payload['created']} created, {payload['updated']} updated, {payload['unchanged']} unchanged")

    check = {"asset": VERSION, "check": "latency", "checkKind": "PERFORMANCE", "status": "PASS", "value": 31.0}
    result = done(
        ask(ci, REPORT_CHECK, input={**check, "idempotencyKey": f"next-title-{BUILD}-latency"})["reportCheck"]
    )
    print(f"the check: {result['result']['status']}")


def release(approver: httpx2.Client) -> None:
    """Approve the version, and point `champion` at it, unless the alias was moved in the meantime."""
    decision = {"subject": VERSION, "gate": "release", "decision": "APPROVED", "reason": "better by 2 %"}
    done(ask(approver, APPROVE, input={**decision, "idempotencyKey": f"next-title-{BUILD}-release"})["approve"])

    observed = ask(approver, GATE, version=VERSION, model=MODEL)
    print(f"the gate: {'open' if observed['asset']['gate']['open'] else observed['asset']['gate']}")
    current = (observed["model"]["version"] or {}).get("id")
    move = {"model": MODEL, "alias": "champion", "version": VERSION, "expectedVersion": current, "protected": True}
    moved = done(ask(approver, SET_ALIAS, input=move)["setAlias"])
    print(f"champion: {moved['alias']['version']['id']} ({'moved' if moved['changed'] else 'was there already'})")


if __name__ == "__main__":
    with client(os.environ["TOKEN"]) as ci:
        train(ci)
    if "APPROVER_TOKEN" in os.environ:
        with client(os.environ["APPROVER_TOKEN"]) as approver:
            release(approver)
