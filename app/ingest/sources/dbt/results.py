"""Results of an invocation: runs of what builds tables, and check results from tests and the freshness of sources."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from app.ingest.sources.dbt.artifacts import Artifacts, is_table
from app.ingest.sources.dbt.dbt_names import DbtNames
from app.ingest.sources.dbt.own_assets import BUILDERS, PROJECT, PROJECT_ITEM
from app.ingest.sources.openlineage.catalog_names import assertion_kind, assertion_name
from graphql_schema.ports.record import JsonObject, Record

RUN_STATES: Final = {"success": "COMPLETE", "partial success": "FAIL", "error": "FAIL", "runtime error": "FAIL"}
"""States of runs by the status of a result; a result with another status did not run."""

CHECK_STATUSES: Final = {
    "pass": "PASS",
    "warn": "WARN",
    "fail": "FAIL",
    "error": "ERROR",
    "runtime error": "ERROR",
}
"""Statuses of checks by the status of a test; a test with another status did not run."""

FRESHNESS_STATUSES: Final = {**CHECK_STATUSES, "error": "FAIL"}
"""Statuses of checks by the status of freshness: `error` means data that is older than ``error_after``."""

INVOCATION: Final = "invocation"
"""The location of the run of the invocation, which is the parent of all other runs."""

WITHOUT_INVOCATION: Final = "run without an invocation id"
"""The name under which runs are counted that are left out, because the results do not name their invocation."""

_SEVERE: Final = ("PASS", "WARN", "FAIL", "ERROR")

_TESTS: Final = ("test", "unit_test")


def run_items(artifacts: Artifacts, names: DbtNames, skipped: Counter[str]) -> Iterator[tuple[str, JsonObject]]:
    """Yield the items of the invocation and of each run, with their locations; nothing without results.

    ``skipped`` counts what did not run. Without the id of the invocation it counts all runs, because the runs of two
    such invocations would have the same ids.
    """
    results: list[Record] = artifacts.run_results.get("results") or []
    if not results:
        return
    metadata = artifacts.run_results["metadata"]
    given = metadata.get("invocation_id")
    invocation_id = given if isinstance(given, str) else ""
    if not invocation_id:
        skipped[WITHOUT_INVOCATION] += 1
    failed = {*RUN_STATES, *CHECK_STATUSES} - {"success", "pass", "warn"}
    invocation = names.id_of("run", invocation_id, INVOCATION) if invocation_id else None
    if invocation is not None:
        run = {
            "id": invocation,
            "displayName": f"dbt {names.project}",
            "workflow": names.id_of("workflow", names.project, PROJECT_ITEM, INVOCATION),
            "state": "FAIL" if any(each["status"] in failed for each in results) else "COMPLETE",
            "startedAt": metadata.get("invocation_started_at") or None,
            "endedAt": metadata["generated_at"],
            "properties": [{"key": PROJECT, "value": names.project}],
        }
        yield INVOCATION, {"run": run}
    for result in results:
        resource = artifacts.resources.get(result["unique_id"], {})
        if resource.get("resource_type") not in BUILDERS or not is_table(resource):
            continue
        uid = result["unique_id"]
        if result["status"] not in RUN_STATES:
            skipped[f"{resource['resource_type']} {result['status']}"] += 1
        elif not invocation_id:
            skipped[WITHOUT_INVOCATION] += 1
        elif (urn := names.id_of("run", f"{invocation_id}/{uid}", uid)) is not None:
            yield uid, {"run": _run(result, names, urn, metadata)}


def _run(result: Record, names: DbtNames, urn: str, metadata: Record) -> JsonObject:
    uid = result["unique_id"]
    rows = (result.get("adapter_response") or {}).get("rows_affected")
    state = RUN_STATES[result["status"]]
    run = {
        "id": urn,
        "displayName": uid,
        "workflow": names.id_of("workflow", uid, by=uid),
        "parentRun": names.id_of("run", metadata["invocation_id"], INVOCATION, uid),
        "state": state,
        "startedAt": min((each["started_at"] for each in _timing(result)), default=None),
        "endedAt": _ended(result) or metadata["generated_at"],
        "error": result.get("message") if state == "FAIL" else None,
        "metrics": [{"name": "rows_affected", "value": float(rows)}] if isinstance(rows, int) and rows >= 0 else None,
        "properties": [{"key": PROJECT, "value": names.project}],
    }
    return {key: value for key, value in run.items() if value is not None}


def check_results(artifacts: Artifacts, names: DbtNames, skipped: Counter[str]) -> Iterator[tuple[str, JsonObject]]:
    """Yield the results of checks: of the tests that ran, and of the freshness of sources.

    Of several tests with the same name and table, the most severe result counts. ``skipped`` counts tests that did not
    run, and freshness without a known source or status.
    """
    found: dict[tuple[str, str], tuple[str, JsonObject]] = {}
    for result in artifacts.run_results.get("results") or []:
        test = artifacts.resources.get(result["unique_id"], {})
        if test.get("resource_type") not in _TESTS:
            continue
        if result["status"] not in CHECK_STATUSES:
            skipped[f"test {result['status']}"] += 1
            continue
        check = _test_result(result, test, artifacts.run_results["metadata"]["generated_at"])
        for dataset in names.datasets(_tested(test, artifacts), result["unique_id"]):
            key = (dataset, check["check"])
            if key not in found or _severity(check) > _severity(found[key][1]):
                found[key] = (result["unique_id"], {"asset": dataset, **check})
    yield from found.values()
    yield from _freshness(artifacts, names, skipped)


def _tested(test: Record, artifacts: Artifacts) -> list[Record]:
    """Return the table that a generic test is attached to, else all tables that the test reads."""
    attached = artifacts.resources.get(test.get("attached_node") or "")
    return [attached] if attached is not None and is_table(attached) else artifacts.parents(test)


def _test_result(result: Record, test: Record, generated_at: str) -> JsonObject:
    kind = test.get("test_metadata") or {}
    column = (kind.get("kwargs") or {}).get("column_name") or test.get("column_name")
    name = assertion_name(kind.get("name") or test["name"], column)
    config = test.get("config") or {}
    limits = [f"{level} if failures {config[key]}" for level, key in _LIMITS if config.get(key)]
    failures = result.get("failures")
    check = {
        "check": name,
        "checkKind": assertion_kind(name),
        "status": CHECK_STATUSES[result["status"]],
        "value": float(failures) if failures is not None else None,
        "threshold": ", ".join(limits[1:] if str(config.get("severity")).upper() == "WARN" else limits) or None,
        "observedAt": _ended(result) or generated_at,
    }
    return {key: value for key, value in check.items() if value is not None}


_LIMITS: Final = (("fail", "error_if"), ("warn", "warn_if"))


def _severity(check: Record) -> int:
    return _SEVERE.index(check["status"])


def _freshness(artifacts: Artifacts, names: DbtNames, skipped: Counter[str]) -> Iterator[tuple[str, JsonObject]]:
    for result in artifacts.freshness.get("results") or []:
        source, status = artifacts.resources.get(result["unique_id"]), FRESHNESS_STATUSES.get(result["status"])
        if source is None or status is None:
            skipped[f"freshness {result['status'] if source else 'of an unknown source'}"] += 1
            continue
        location = f"freshness of {result['unique_id']}"
        dataset = names.dataset(source, location)
        if dataset is None:
            continue
        check = {
            "asset": dataset,
            "check": "freshness",
            "checkKind": "FRESHNESS",
            "status": status,
            "value": result.get("max_loaded_at_time_ago_in_s"),
            "threshold": _periods(result.get("criteria") or {}),
            "observedAt": result.get("snapshotted_at") or artifacts.freshness["metadata"]["generated_at"],
        }
        yield location, {key: value for key, value in check.items() if value is not None}


def _periods(criteria: Record) -> str | None:
    """Return the periods after which data is too old, such as `warn after 1 day, fail after 2 day`."""
    given = (("warn", criteria.get("warn_after")), ("fail", criteria.get("error_after")))
    texts = [f"{word} after {each['count']} {each['period']}" for word, each in given if each and each.get("count")]
    return ", ".join(texts) or None


def _timing(result: Record) -> list[Record]:
    return [each for each in result.get("timing") or [] if each.get("started_at") and each.get("completed_at")]


def _ended(result: Record) -> str | None:
    return max((each["completed_at"] for each in _timing(result)), default=None)
