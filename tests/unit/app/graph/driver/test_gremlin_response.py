"""Responses of the store: rows, or errors that show class names and nothing else."""

import orjson
import pytest

from app.graph.driver.errors import (
    StoreFailedError,
    StoreUnavailableError,
    TransientConflictError,
    VertexExistsError,
    WriteRefusedError,
)
from app.graph.driver.gremlin_response import parse_rows
from app.store.errors import StoreReason
from policies.errors import Code, CodedError

PRIVATE = "text of a customer"


def error_body(*exceptions: str, message: str = PRIVATE) -> bytes:
    """Return the body of an HTTP 500, in the form that JanusGraph 1.1.0 sends."""
    return orjson.dumps(
        {
            "message": message,
            "Exception-Class": exceptions[0],
            "exceptions": exceptions,
            "stackTrace": f"{exceptions[0]}: {message}\n\tat org.janusgraph.Some.where(Some.java:1)",
            "requestId": "9a4f",
        }
    )


LOCKED = error_body(
    "org.janusgraph.core.JanusGraphException", "org.janusgraph.diskstorage.locking.PermanentLockingException"
)
JE_LOCKED = error_body("org.janusgraph.diskstorage.TemporaryBackendException", "com.sleepycat.je.LockTimeoutException")
AWAY = error_body("org.janusgraph.core.JanusGraphException", "org.janusgraph.diskstorage.TemporaryBackendException")
EXISTS = error_body("java.lang.IllegalArgumentException", message="Vertex with given id already exists: 256")
FAILED = error_body("java.lang.IllegalArgumentException")


@pytest.mark.parametrize(
    ("names", "message", "reason"),
    [
        (["java.net.ConnectException"], "Connection refused", StoreReason.BACKEND),
        (["java.net.SocketException"], "Connection reset", StoreReason.BACKEND),
        (["java.net.SocketTimeoutException"], "30,000 milliseconds timeout", StoreReason.BACKEND),
        (["org.elasticsearch.client.ResponseException"], "[HTTP/1.1 503 Service Unavailable]", StoreReason.BACKEND),
        (["org.elasticsearch.client.ResponseException"], "[HTTP/1.1 400 Bad Request]", None),
    ],
)
def test_an_index_that_is_away_is_unavailable(names: list[str], message: str, reason: StoreReason | None) -> None:
    """The errors of a killed or starting Elasticsearch, as JanusGraph returned them; a refused request is a failure."""
    with pytest.raises(CodedError) as caught:
        parse_rows(500, error_body(*names, message=message), writes=False)
    assert caught.value.extensions.get("reason") == (reason and str(reason))
    assert isinstance(caught.value, StoreFailedError) is (reason is None)


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("writes", [False, True])
def test_a_proxy_without_the_store_is_unreachable(status: int, *, writes: bool) -> None:
    """The page of a proxy is no response of the store, so a write may have been executed; a Gremlin error is one."""
    with pytest.raises(StoreUnavailableError) as caught:
        parse_rows(status, b"<html>Bad Gateway</html>", writes=writes)
    assert (caught.value.reason, caught.value.unknown_outcome) == (StoreReason.UNREACHABLE, writes)
    with pytest.raises(StoreFailedError):
        parse_rows(status, FAILED, writes=writes)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (500, EXISTS, VertexExistsError, Code.CONFLICT),
        (500, LOCKED, TransientConflictError, Code.STORE_UNAVAILABLE),
        (500, JE_LOCKED, TransientConflictError, Code.STORE_UNAVAILABLE),
        (500, AWAY, StoreUnavailableError, Code.STORE_UNAVAILABLE),
        (429, b"", StoreUnavailableError, Code.STORE_UNAVAILABLE),
        (401, b"", StoreFailedError, Code.STORE_FAILED),
        (403, b"", StoreFailedError, Code.STORE_FAILED),
        (500, FAILED, StoreFailedError, Code.STORE_FAILED),
        (413, b"", StoreFailedError, Code.STORE_FAILED),
        (500, b"<html>another page</html>", StoreFailedError, Code.STORE_FAILED),
        (200, b"[]", StoreFailedError, Code.STORE_FAILED),
    ],
)
def test_each_failure_is_an_error_of_the_driver(status: int, body: bytes, kind: type[CodedError], code: Code) -> None:
    """The class names decide which error it is, and no part of the message or the stack trace is disclosed."""
    with pytest.raises(CodedError) as caught:
        parse_rows(status, body, writes=False)
    assert type(caught.value) is kind
    assert caught.value.code is code
    assert PRIVATE not in f"{caught.value} {caught.value.extensions}"


@pytest.mark.parametrize(
    ("status", "body", "unknown"), [(500, AWAY, True), (500, LOCKED, False), (500, JE_LOCKED, False), (429, b"", False)]
)
def test_a_write_has_an_unknown_outcome_only_if_it_may_be_kept(status: int, body: bytes, *, unknown: bool) -> None:
    """Unreachable storage may have kept the write; a write that was refused or rolled back changed nothing."""
    with pytest.raises(StoreUnavailableError) as caught:
        parse_rows(status, body, writes=True)
    assert caught.value.unknown_outcome is unknown
    assert caught.value.extensions["unknownOutcome"] is unknown


@pytest.mark.parametrize(
    ("exceptions", "message", "reason", "unknown"),
    [
        ("com.sleepycat.je.DiskLimitException", PRIVATE, StoreReason.DISK_SPACE, False),
        ("java.io.IOException", "File too large", StoreReason.STORAGE, True),
        ("com.sleepycat.je.EnvironmentFailureException", PRIVATE, StoreReason.STORAGE, True),
        ("java.nio.file.NoSuchFileException", PRIVATE, StoreReason.STORAGE, True),
        ("org.apache.lucene.store.AlreadyClosedException", PRIVATE, StoreReason.STORAGE, True),
        ("org.apache.lucene.index.CorruptIndexException", PRIVATE, StoreReason.STORAGE, True),
        ("java.lang.IllegalStateException", "Graph has been closed", StoreReason.STORAGE, True),
        ("org.janusgraph.diskstorage.PermanentBackendException", PRIVATE, StoreReason.BACKEND, True),
    ],
)
def test_each_failure_of_the_store_has_a_reason_and_a_cure(
    exceptions: str, message: str, reason: StoreReason, *, unknown: bool
) -> None:
    """Every failure of disk, storage and index is unavailability with its reason, and names what each side can do."""
    with pytest.raises(StoreUnavailableError) as caught:
        parse_rows(500, error_body(exceptions, message=message), writes=True)
    assert caught.value.extensions == {"reason": str(reason), "retryAfter": 5, "unknownOutcome": unknown}
    assert "Operators:" in caught.value.message
    assert "idempotencyKey" in caught.value.message
    assert PRIVATE not in caught.value.message


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [
        (500, FAILED, True),
        (413, b"", True),
        (401, b"", False),
        (403, FAILED, False),
        (500, b"Bad Gateway", False),
        (200, b"[]", False),
    ],
)
def test_a_write_is_refused_only_for_what_it_contains(status: int, body: bytes, *, refused: bool) -> None:
    """Values and size of a write are faults of the write; credentials, a proxy or another service are not."""
    with pytest.raises(StoreFailedError) as caught:
        parse_rows(status, body, writes=True)
    assert type(caught.value) is (WriteRefusedError if refused else StoreFailedError)


def test_a_failure_names_its_classes() -> None:
    """Simple class names, outermost first, each once, for the message and for programs."""
    body = error_body(
        "org.janusgraph.core.JanusGraphException", "java.lang.IllegalStateException", "a.b.JanusGraphException"
    )
    with pytest.raises(StoreFailedError, match="JanusGraphException, IllegalStateException;") as caught:
        parse_rows(500, body, writes=True)
    assert caught.value.extensions == {"storeErrors": ["JanusGraphException", "IllegalStateException"]}


def test_no_data_is_no_rows() -> None:
    """A traversal without results and one that only changes the store return an empty list."""
    assert parse_rows(200, b'{"result": {"data": []}}', writes=False) == []
    assert parse_rows(200, b'{"result": {"data": null}}', writes=True) == []


@pytest.mark.parametrize("body", [b'{"exceptions": "a.b.OneException"}', b'{"Exception-Class": "a.b.OneException"}'])
def test_a_single_class_may_be_a_text(body: bytes) -> None:
    """JanusGraph sends the class of an error in a list, and other servers as one text."""
    with pytest.raises(StoreFailedError) as caught:
        parse_rows(500, body, writes=True)
    assert caught.value.classes == ("OneException",)


def test_an_error_without_a_class_names_its_status() -> None:
    """A proxy in front of the store, or another service, sends errors of its own."""
    with pytest.raises(StoreFailedError, match="HTTP status 501") as caught:
        parse_rows(501, b"Not Implemented", writes=True)
    assert caught.value.classes == ()


def test_rows_are_returned_as_they_are() -> None:
    """Values are plain JSON."""
    assert parse_rows(200, b'{"result": {"data": [1, {"a": null}]}}', writes=False) == [1, {"a": None}]
