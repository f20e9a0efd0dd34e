"""What the store answered: rows, or one of our errors. Messages and stack traces of the store stay here."""

from http import HTTPStatus
from typing import Any, Final

import orjson

from app.graph.driver.errors import StoreFailedError, StoreUnavailableError, TransientConflictError, VertexExistsError
from policies.errors import CodedError

_EXISTS: Final = "Vertex with given id already exists"
_LOCKS: Final = frozenset(
    {
        "DeadlockException",
        "LockConflictException",
        "LockNotAvailableException",
        "LockTimeoutException",
        "PermanentLockingException",
        "TemporaryLockingException",
        "TransactionTimeoutException",
    }
)
_AWAY: Final = frozenset(
    {
        "AllNodesFailedException",
        "DriverTimeoutException",
        "EnvironmentFailureException",
        "NoNodeAvailableException",
        "ReadTimeoutException",
        "TemporaryBackendException",
        "ThreadInterruptedException",
        "TimeoutException",
        "UnavailableException",
        "WriteTimeoutException",
    }
)


def parse_rows(status: int, body: bytes, *, writes: bool) -> list[Any]:
    """Read the rows of an answer, or raise the error that it means."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise StoreUnavailableError("The store has too much to do and refused the request; try again.")
    answer = _decoded(body)
    if status != HTTPStatus.OK:
        raise _failure(status, answer, writes=writes)
    try:
        return list(answer["result"]["data"] or ())
    except (KeyError, TypeError):
        raise StoreFailedError("The answer is no Gremlin result; check that the URL is a Gremlin endpoint.") from None


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _failure(status: int, answer: dict[str, Any], *, writes: bool) -> CodedError:
    """Classify by class names. The one exception is a taken id, which JanusGraph tells by its message alone."""
    classes = _classes(answer)
    if str(answer.get("message", "")).startswith(_EXISTS):
        return VertexExistsError("The vertex exists already: read it and compare its identity.")
    if not _LOCKS.isdisjoint(classes):
        return TransientConflictError("Another write held the same lock and this one was rolled back; send it again.")
    if not _AWAY.isdisjoint(classes):
        return StoreUnavailableError("The store cannot reach its storage; try again.", unknown_outcome=writes)
    shown = ", ".join(classes) or f"HTTP status {status}"
    return StoreFailedError(f"The store failed with {shown}; its own log has the details.", classes)


def _classes(answer: dict[str, Any]) -> tuple[str, ...]:
    """Name the exceptions, outermost first, without their packages."""
    names = answer.get("exceptions") or answer.get("Exception-Class") or []
    listed = [names] if isinstance(names, str) else names
    return tuple(dict.fromkeys(str(name).rsplit(".", 1)[-1] for name in listed))
