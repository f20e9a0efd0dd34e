"""The access log: what the policy denied, who read restricted and secret fields, and every use of break-glass.

Append-only JSON lines, apart from the log of the process. A line says who asked for which coordinate of which assets,
in which request, and which policies decided; never a value. An answer leaves only after its lines are written.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from app.settings import Settings
from graphql_schema.ports.policy_report import PolicyReport
from policies.errors import Code, CodedError
from policies.principal import Principal
from policies.vocabulary import Labels

FILE = "access.jsonl"
MAX_LOGGED_IDS = 100
"""Ids of one line; more of them make more lines."""


def access_log_path(settings: Settings) -> Path:
    """The file of the access log: MLG_ACCESS_LOG, or one in the data folder."""
    path = settings.access_log or settings.data_dir / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


class AccessLogError(CodedError):
    """The access log cannot be written, so nothing that belongs into it may be answered."""

    code = Code.ACCESS_LOG_UNAVAILABLE


class AccessLog:
    """Appends to one file, which may be moved away at any time: it is opened for each answer that has lines."""

    def __init__(self, path: Path, labels: Labels) -> None:
        self._path = path
        self._labels = labels

    def write(self, principal: Principal, request_id: str, notes: PolicyReport) -> None:
        """Append what one operation did; raises AccessLogError when that fails. Break-glass lines reach the disk."""
        who = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "requestId": request_id,
            "tenant": principal.tenant,
            "subject": principal.subject,
            "principalKind": principal.kind.value,
            "policyVersion": notes.policy_version,
            **({} if principal.break_glass is None else {"breakGlass": principal.break_glass}),
        }
        lines = [orjson.dumps({**who, **event}) + b"\n" for event in self._events(principal, notes)]
        if lines:
            self._append(b"".join(lines), durable=principal.break_glass is not None)

    def _events(self, principal: Principal, notes: PolicyReport) -> Iterator[dict[str, Any]]:
        if principal.break_glass is not None:
            yield {"event": "break_glass"}
        for coordinate, ids in sorted(notes.reads.items()):
            type_name, field = coordinate.split(".")
            label = self._labels[type_name][field]
            yield from _pages({"event": "read", "coordinate": coordinate, "label": label}, list(ids))
        for coordinate, count in sorted(notes.hidden.items()):
            why = notes.why[coordinate]
            denied = {"event": "denied", "coordinate": coordinate, "count": count}
            yield {**denied, "policies": why.policies, "needs": why.needs}
        yield from _pages({"event": "hidden"}, list(notes.absent))
        for action, urn, reasons in notes.refused:
            yield {"event": "refused", "action": action, "ids": [urn] if urn else [], "reasons": reasons}

    def _append(self, text: bytes, *, durable: bool) -> None:
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if os.write(file, text) != len(text):
                    raise OSError("the disk is full")
                if durable:
                    os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise AccessLogError(
                "The access log cannot be written, so this is not answered. Tell the operators; try again later."
            ) from error


def _pages(event: dict[str, Any], ids: list[str]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(ids), MAX_LOGGED_IDS):
        yield {**event, "ids": ids[start : start + MAX_LOGGED_IDS]}
