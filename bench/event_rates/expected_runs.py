"""What the graph must have after some events, by plain Python over them alone, and the comparison with the API."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from bench.event_rates.made_events import Event

Ask = Callable[[str, dict[str, Any]], Awaitable[Any]]
"""Sends a query with variables, and returns its data."""

PAGE: Final = 200
_RANKS: Final = {"START": 1, "RUNNING": 2, "COMPLETE": 3, "FAIL": 3}
_FINAL: Final = 3
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_LATE: Final = datetime.max.replace(tzinfo=UTC)
_RUNS: Final = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Run { id state startedAt endedAt workflow { id }
  inputs { nodes { id } } outputs { nodes { id } } } } }"""
_LISTED: Final = """query ($kind: AssetKind!, $after: Cursor) {
  assets(filter: {kinds: [$kind]}, first: 500, after: $after) {
  nodes { id } pageInfo { hasNextPage endCursor } } }"""


class WrongGraphError(Exception):
    """The graph differs from the events; the message has the first difference."""


@dataclass
class ExpectedRun:
    """One run: its state with rank and time, its first instant, its end, and the ids that it is joined to."""

    workflow: str
    state: tuple[int, datetime, str] = (0, _NEVER, "")
    started: datetime = _LATE
    ended: datetime = _NEVER
    inputs: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)

    def add(self, event: Event) -> None:
        """Add what an event says."""
        kind, at = event["eventType"], datetime.fromisoformat(event["eventTime"])
        self.state = max(self.state, (_RANKS[kind], at, kind))
        self.started = min(self.started, at)
        if _RANKS[kind] == _FINAL:
            self.ended = max(self.ended, at)
        self.inputs |= {_dataset(each) for each in event["inputs"]}
        self.outputs |= {_dataset(each) for each in event["outputs"]}

    def shown(self) -> dict[str, Any]:
        """Return the run as the query returns it, with sets for lists, and instants for texts."""
        return {
            "state": self.state[2],
            "startedAt": self.started,
            "endedAt": None if self.ended == _NEVER else self.ended,
            "workflow": self.workflow,
            "inputs": self.inputs,
            "outputs": self.outputs,
        }


def expected_runs(events: Iterable[Event]) -> dict[str, ExpectedRun]:
    """Return the runs of events by their ids in the graph."""
    found: dict[str, ExpectedRun] = {}
    for event in events:
        job = event["job"]
        workflow = f"mlg://workflow/openlineage/{job['namespace']}/{job['name']}"
        urn = f"mlg://run/openlineage/default/{event['run']['runId']}"
        found.setdefault(urn, ExpectedRun(workflow)).add(event)
    return found


async def check_graph(ask: Ask, runs: Mapping[str, ExpectedRun]) -> None:
    """Compare every run and the number of assets of each kind with the graph; raises WrongGraphError."""
    ids = [*runs]
    for start in range(0, len(ids), PAGE):
        page = ids[start : start + PAGE]
        nodes = (await ask(_RUNS, {"ids": page}))["nodes"]
        for urn, node in zip(page, nodes, strict=True):
            found, expected = node and _shown(node), runs[urn].shown()
            if found != expected:
                raise WrongGraphError(f"{urn} is {found}, and {expected} by its events")
    named = {each for run in runs.values() for each in (*run.inputs, *run.outputs)}
    counts = {"RUN": len(runs), "WORKFLOW": len({run.workflow for run in runs.values()}), "DATASET": len(named)}
    for kind, number in counts.items():
        total = await _listed(ask, kind)
        if total != number:
            raise WrongGraphError(f"{total} assets are of the kind {kind}, and {number} by the events")


async def _listed(ask: Ask, kind: str) -> int:
    """Return the number of assets of a kind, page by page: a total above some thousands is not counted."""
    found, after = 0, None
    while True:
        page = (await ask(_LISTED, {"kind": kind, "after": after}))["assets"]
        found += len(page["nodes"])
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def _dataset(dataset: Event) -> str:
    scheme, _, rest = dataset["namespace"].partition("://")
    return f"mlg://dataset/{scheme}/{rest}/{dataset['name']}"


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _shown(node: Event) -> dict[str, Any]:
    return {
        "state": node["state"],
        "startedAt": _instant(node["startedAt"]),
        "endedAt": _instant(node["endedAt"]),
        "workflow": node["workflow"] and node["workflow"]["id"],
        "inputs": {each["id"] for each in node["inputs"]["nodes"]},
        "outputs": {each["id"] for each in node["outputs"]["nodes"]},
    }
