"""Translates an HTTP response of the store to rows or to an error of the driver.

Messages and stack traces of the store end here: they can contain stored values.
"""

from http import HTTPStatus
from typing import Final

import orjson

from app.graph.driver.errors import (
    StoreFailedError,
    StoreUnavailableError,
    TransientConflictError,
    VertexExistsError,
    WriteRefusedError,
)
from app.store.errors import StoreReason
from graphql_schema.ports.record import Json, JsonObject
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
"""Simple names of the exceptions after which a transaction was rolled back because of a lock of another one."""
_AWAY: Final = frozenset(
    {
        "AllNodesFailedException",
        "ConnectException",
        "ConnectionClosedException",
        "DriverTimeoutException",
        "NoNodeAvailableException",
        "PermanentBackendException",
        "ReadTimeoutException",
        "SocketException",
        "SocketTimeoutException",
        "TemporaryBackendException",
        "TimeoutException",
        "UnavailableException",
        "WriteTimeoutException",
    }
)
"""Simple names of the exceptions of a Gremlin server whose storage or index fails or does not respond."""
_REFUSED: Final = "ResponseException"
"""Simple name of the exception for an error response of Elasticsearch; its message has the status."""
_STARTING: Final = "503 Service Unavailable"
"""The status of Elasticsearch while it starts, or lacks parts of an index."""
_STORAGE: Final = frozenset(
    {
        "AccessDeniedException",
        "AlreadyClosedException",
        "ClosedByInterruptException",
        "ClosedChannelException",
        "CorruptIndexException",
        "EOFException",
        "EnvironmentFailureException",
        "FileNotFoundException",
        "FileSystemException",
        "IOException",
        "IndexFormatTooNewException",
        "IndexFormatTooOldException",
        "IndexNotFoundException",
        "LogWriteException",
        "NoSuchFileException",
        "ThreadInterruptedException",
    }
)
"""Simple names of the exceptions of BerkeleyJE, Lucene and the file system after which a store must be restarted."""
_CLOSED: Final = ("Graph has been closed", "Environment is closed")
"""Begins of the messages of a closed graph or storage, whose class is a plain IllegalStateException."""
_GATEWAY: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
"""Statuses of a proxy that cannot reach the store; a Gremlin server returns none of them."""
_NO_SPACE: Final = "DiskLimitException"
"""Simple name of the exception with which BerkeleyJE refuses a write; the transaction is rolled back."""


def parse_rows(status: int, body: bytes, *, writes: bool) -> list[Json]:
    """Return the rows of a response; raise the driver error for an error response.

    ``writes`` states whether the request can change the store: if the storage fails, its outcome is then unknown.
    """
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise StoreUnavailableError("The store is overloaded and refused the request; try again.")
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise StoreFailedError(
            f"The store refused the credentials with status {status}; correct MLG_STORE_USER and MLG_STORE_PASSWORD, "
            "or those in MLG_STORE_URL."
        )
    response = _decoded(body)
    if status in _GATEWAY and not response:
        raise StoreUnavailableError(
            f"A proxy before the store returned status {status}; try again.",
            StoreReason.UNREACHABLE,
            retry_after=5,
            unknown_outcome=writes,
        )
    if status != HTTPStatus.OK:
        raise _failure(status, response, writes=writes)
    try:
        return list(response["result"]["data"] or ())
    except (KeyError, TypeError):
        raise StoreFailedError(
            "The response is no Gremlin result; check that MLG_STORE_URL, if it is set, is a Gremlin endpoint."
        ) from None


def _decoded(body: bytes) -> JsonObject:
    """Return the JSON object in a response body; an empty object if the body is not one."""
    try:
        response = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return response if isinstance(response, dict) else {}


_REFUSALS: Final = frozenset({"IllegalArgumentException", "SchemaViolationException"})
"""Simple names of the exceptions for a value that the store does not accept."""


def _failure(status: int, response: JsonObject, *, writes: bool) -> CodedError:
    """Return the error for an error response, classified by the class names of the exceptions.

    JanusGraph reports a taken vertex id and a closed graph with general classes, so their messages are compared. A
    WriteRefusedError is returned if a write has a value that the store does not accept, or is too large. A failure that
    no other class describes is a StoreFailedError.
    """
    classes, message = _classes(response), str(response.get("message", ""))
    if message.startswith(_EXISTS):
        return VertexExistsError(
            "A vertex that the request creates already exists; read the state before you write again."
        )
    if not _LOCKS.isdisjoint(classes):
        return TransientConflictError("The request was rolled back because of a lock of another one; send it again.")
    if _NO_SPACE in classes:
        return StoreUnavailableError.because(StoreReason.DISK_SPACE)
    if not _STORAGE.isdisjoint(classes) or message.startswith(_CLOSED):
        return StoreUnavailableError.because(StoreReason.STORAGE, unknown_outcome=writes)
    if not _AWAY.isdisjoint(classes) or (_REFUSED in classes and _STARTING in message):
        return StoreUnavailableError.because(StoreReason.BACKEND, unknown_outcome=writes)
    shown = ", ".join(classes) or f"HTTP status {status}"
    refused = writes and (not _REFUSALS.isdisjoint(classes) or status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    kind = WriteRefusedError if refused else StoreFailedError
    return kind(f"The store failed with {shown}; see the log of the store for details.", classes)


def _classes(response: JsonObject) -> tuple[str, ...]:
    """Return the simple class names of the exceptions, outermost first, each once."""
    names = response.get("exceptions") or response.get("Exception-Class") or []
    listed = [names] if isinstance(names, str) else names
    return tuple(dict.fromkeys(str(name).rsplit(".", 1)[-1] for name in listed))
