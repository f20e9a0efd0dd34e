"""Documents of checks, incidents and usage, and their payloads."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

from support.servers.in_process import Api
from support.stores.observed_requests import ObservedRequests

from app.graph.commits.write_statements import WRITE

REPORT = """mutation ($input: ReportCheckInput!) { reportCheck(input: $input) {
  result { id status value window observedAt check { id name checkKind threshold asset { id } } }
  incident { id title state severity cause { id } assets { id } }
  errors { code message inputPath } } }"""
OPEN = """mutation ($input: OpenIncidentInput!) { openIncident(input: $input) {
  incident { id title state severity openedAt resolvedAt assets { id } cause { id } }
  errors { code message inputPath } } }"""
RESOLVE = """mutation ($input: ResolveIncidentInput!) { resolveIncident(input: $input) {
  incident { id state resolvedAt } errors { code message inputPath } } }"""
RECORD = """mutation ($input: RecordUsageInput!) { recordUsage(input: $input) {
  recorded errors { code message inputPath } } }"""
REVERT = """mutation ($input: RevertChangeInput!) { revertChange(input: $input) {
  changed errors { code message inputPath } } }"""


async def report(api: Api, who: str, asset: str, **given: Any) -> dict[str, Any]:
    """Report a check, of freshness by default, and return the payload."""
    known = {"asset": asset, "check": "fresh", "checkKind": "FRESHNESS", "status": "PASS"}
    payload: dict[str, Any] = (await api.ask(who, REPORT, input={**known, **given}))["reportCheck"]
    return payload


async def raised(api: Api, who: str, *assets: str, **given: Any) -> dict[str, Any]:
    """Open an incident, and return the payload."""
    known = {"assets": list(assets), "title": "It is broken", "severity": "LOW"}
    payload: dict[str, Any] = (await api.ask(who, OPEN, input={**known, **given}))["openIncident"]
    return payload


async def resolved(api: Api, who: str, incident: str, **given: Any) -> dict[str, Any]:
    """Resolve an incident, and return the payload."""
    payload: dict[str, Any] = (await api.ask(who, RESOLVE, input={"incident": incident, **given}))["resolveIncident"]
    return payload


async def recorded(api: Api, who: str, *records: dict[str, Any]) -> dict[str, Any]:
    """Record usage, and answer the payload."""
    payload: dict[str, Any] = (await api.ask(who, RECORD, input={"records": list(records)}))["recordUsage"]
    return payload


def total(counts: Iterable[Mapping[str, float]]) -> dict[str, Any]:
    """Return the sums of counters; integers and quarters add up without rounding errors."""
    found = list(counts)
    costs = [each["costUsd"] for each in found if "costUsd" in each]
    reads, calls = (sum(each.get(name, 0) for each in found) for name in ("reads", "calls"))
    return {"reads": reads, "calls": calls, "costUsd": sum(costs) if costs else None}


def codes(payload: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Return the codes of a payload's errors with their paths."""
    return [(error["code"], error["inputPath"]) for error in payload["errors"]]


class Writes:
    """Counts the transactions written while its context is open."""

    def __init__(self, api: Api) -> None:
        self._client = api.client
        self._requests = ObservedRequests()

    def __enter__(self) -> Self:
        self._client.observers.append(self._requests)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.observers.remove(self._requests)

    @property
    def count(self) -> int:
        """Return the number of transactions."""
        return self._requests.texts[WRITE.text]
