"""The access log: denials of the policy, reads of restricted and secret fields, and each result under break-glass.

Append-only JSON lines, separate from the log of the process. A line names the caller, the request, and the span if
there is one. By its event it also has the coordinate, ids of assets and edges, or the reasons of a denial. A line about
hidden fields (``denied``) has their number, no ids. A line with the event ``hidden`` has the ids of assets that the
request named and the caller may not discover. One with the event ``webhook`` has the name of a webhook that changed.
One with ``withheld`` has the number of values that were too many, so that the response was not sent. If the caller has
spent its share of the log, lines have numbers in place of most ids and reasons. No line has the value of a field.
A response is sent only after its lines are written, all or none of them.
"""

import errno
import fcntl
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain, islice
from math import ceil
from pathlib import Path
from time import monotonic, sleep
from typing import Final

import orjson

from app.settings import Settings
from app.telemetry.log_share import BURST, LIMIT, LogShares
from app.telemetry.spans import trace_ids
from graphql_schema.ports.policy_report import PolicyReport
from policies.errors import Code, CodedError, LimitError
from policies.principal import Principal
from policies.vocabulary import Labels

LOG_FILE = "access.jsonl"
MAX_LOGGED_IDS = 100
"""Maximum number of ids in one line; further ids go into further lines."""

MAX_LOGGED_READS: Final = 10_000
"""Maximum number of values of restricted and secret fields in one response; to log that many takes some 15 ms."""

MAX_LOGGED_HIDDEN: Final = 5_000
"""Maximum number of hidden ids of one response that are logged; the others, of up to 512 bytes each, are counted."""

FEW_LOGGED: Final = 10
"""Maximum number of hidden ids, and of denied writes, of a caller whose share is spent; the others are counted."""

LOCK_SECONDS: Final = 0.25
"""Seconds to wait for the lock of the file, during which the event loop waits; a worker holds it only to append."""

LOCK_PAUSE_SECONDS: Final = 0.001
"""Seconds between two attempts to get the lock."""


def access_log_path(settings: Settings) -> Path:
    """Return the file of the access log, MLG_ACCESS_LOG or a file in the data folder; creates its folder."""
    path = settings.access_log or settings.data_dir / LOG_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


class AccessLogError(CodedError):
    """The access log cannot be written, so a response that must be logged is not sent."""

    code = Code.ACCESS_LOG_UNAVAILABLE


class AccessLog:
    """Appends to one file, opened anew for each response that must be logged: log rotation may move it at any time."""

    def __init__(self, path: Path, labels: Labels, shares: LogShares | None = None) -> None:
        self._path = path
        self._labels = labels
        self._shares = LogShares() if shares is None else shares

    def write(self, principal: Principal, request_id: str, report: PolicyReport) -> None:
        """Append the lines of one response, with fsync if the caller uses break-glass; none if there is nothing to log.

        Raises AccessLogError if the file cannot be written, and LimitError if too many values were read, or the caller
        has spent its share of the log and any were. One line then has the number of these, and all other lines are
        written: a mutation was stored.
        """
        caller = principal.tenant, principal.subject
        seconds = self._shares.seconds_until_free(caller)
        common = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "requestId": request_id,
            **trace_ids(),
            "tenant": principal.tenant,
            "subject": principal.subject,
            "principalKind": principal.kind.value,
            "policyVersion": report.policy_version,
            **({} if principal.break_glass is None else {"breakGlass": principal.break_glass}),
        }
        count, is_brief = _read_count(report), seconds > 0
        is_withheld = count > (0 if is_brief else MAX_LOGGED_READS)
        events = self._events(principal, report, is_withheld=is_withheld, is_brief=is_brief)
        lines = [orjson.dumps({**common, **event}) + b"\n" for event in events]
        if lines:
            text = b"".join(lines)
            self._append(text, durable=principal.break_glass is not None)
            self._shares.spend(caller, len(text))
        if is_withheld:
            raise _share_is_spent(seconds) if is_brief else _too_many_reads(count)

    def _events(
        self, principal: Principal, report: PolicyReport, *, is_withheld: bool, is_brief: bool
    ) -> Iterator[dict[str, object]]:
        if principal.break_glass is not None:
            yield {"event": "break_glass"}
        if is_withheld:
            yield {"event": "withheld", "count": _read_count(report)}
        for coordinate, ids in () if is_withheld else sorted(report.reads.items()):
            type_name, field = coordinate.split(".")
            label = self._labels[type_name][field]
            yield from _in_pages({"event": "read", "coordinate": coordinate, "label": label}, list(ids))
        if is_brief and report.hidden:
            yield {"event": "denied", "count": sum(report.hidden.values())}
        for coordinate, count in () if is_brief else sorted(report.hidden.items()):
            denial = report.why[coordinate]
            denied = {"event": "denied", "coordinate": coordinate, "count": count}
            yield {**denied, "policies": denial.policies, "needs": denial.needs}
        maximum = FEW_LOGGED if is_brief else MAX_LOGGED_HIDDEN
        yield from _in_pages({"event": "hidden"}, list(islice(report.absent, maximum)))
        if len(report.absent) > maximum:
            yield {"event": "hidden", "ids": [], "count": len(report.absent) - maximum}
        yield from _refusals(report, FEW_LOGGED if is_brief else len(report.refused))
        for action, name, owner in report.webhooks:
            yield {"event": "webhook", "action": action, "name": name, "owner": owner}

    def _append(self, text: bytes, *, durable: bool) -> None:
        try:
            file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                with _locked(file):
                    _append_complete(file, text)
                if durable:
                    os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise AccessLogError(
                "The access log cannot be written, so the response is withheld. Inform the operators. A mutation may "
                "have been stored: read the state before you repeat it."
            ) from error


def _read_count(report: PolicyReport) -> int:
    return sum(map(len, report.reads.values()))


def _too_many_reads(count: int) -> LimitError:
    return LimitError(
        f"The response has {count} values of restricted or secret fields, each of which is logged; the limit is "
        f"{MAX_LOGGED_READS}. Read fewer objects at once. A mutation may have been stored: read the state before you "
        "repeat it.",
        limit="logged",
        actual=count,
        maximum=MAX_LOGGED_READS,
    )


def _share_is_spent(seconds: float) -> LimitError:
    return LimitError(
        "The response has values of restricted or secret fields, each of which is logged, and your share of the access "
        f"log is spent. A mutation may have been stored: read the state before you repeat it. Send it again after "
        f"{ceil(seconds)} s, and read fewer of these fields.",
        limit=LIMIT,
        maximum=BURST,
    )


@contextmanager
def _locked(file: int) -> Iterator[None]:
    """Hold the lock of ``file`` among all workers, which share it; raises TimeoutError after LOCK_SECONDS."""
    deadline = monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if monotonic() > deadline:
                raise TimeoutError("The access log is locked by another process.") from None
            sleep(LOCK_PAUSE_SECONDS)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _append_complete(file: int, text: bytes) -> None:
    """Append ``text``, or nothing: what a full disk cut off is removed. Raises OSError in that case.

    A line that the end of a process or machine cut off earlier is ended first, so that it spoils no other one.
    """
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        text = b"\n" + text
    written = 0
    try:
        written = os.write(file, text)
    finally:
        if written != len(text):
            os.ftruncate(file, size)
    if written != len(text):
        raise OSError(errno.ENOSPC, "short write")


def _refusals(report: PolicyReport, maximum: int) -> Iterator[dict[str, object]]:
    """Yield the denied writes by action, MAX_LOGGED_IDS in one line; of more than a maximum, the number of the others.

    Most reasons name the id, so nearly each denial would have a line of its own by reason.
    """
    by_action = dict[str, list[tuple[str, tuple[str, ...], int]]]()
    for (action, urn, reasons), count in islice(report.refused.items(), maximum):
        by_action.setdefault(action, []).append((urn, reasons, count))
    for action, denials in by_action.items():
        for start in range(0, len(denials), MAX_LOGGED_IDS):
            page = denials[start : start + MAX_LOGGED_IDS]
            ids = [*dict.fromkeys(urn for urn, _, _ in page if urn)]
            different = [*dict.fromkeys(chain.from_iterable(reasons for _, reasons, _ in page))]
            count = sum(count for _, _, count in page)
            repeated = {"count": count} if count > max(1, len(ids)) or not different else {}
            yield {"event": "refused", "action": action, "ids": ids, "reasons": different, **repeated}
    others = Counter[str]()
    for (action, _, _), count in islice(report.refused.items(), maximum, None):
        others[action] += count
    for action, count in others.items():
        yield {"event": "refused", "action": action, "ids": [], "reasons": [], "count": count}


def _in_pages(event: dict[str, object], ids: list[str]) -> Iterator[dict[str, object]]:
    for start in range(0, len(ids), MAX_LOGGED_IDS):
        yield {**event, "ids": ids[start : start + MAX_LOGGED_IDS]}
