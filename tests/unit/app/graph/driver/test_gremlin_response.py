"""Answers of the store, as it gives them: rows, or errors that show class names and nothing else."""

import orjson
import pytest

from app.graph.driver.errors import StoreFailedError, StoreUnavailableError, TransientConflictError, VertexExistsError
from app.graph.driver.gremlin_response import parse_rows
from policies.errors import Code, CodedError

PRIVATE = "what a customer wrote"


def answer(*exceptions: str, message: str = PRIVATE) -> bytes:
    """Build the body of an HTTP 500, in the form that JanusGraph 1.1.0 sends."""
    return orjson.dumps(
        {
            "message": message,
            "Exception-Class": exceptions[0],
            "exceptions": exceptions,
            "stackTrace": f"{exceptions[0]}: {message}\n\tat org.janusgraph.Some.where(Some.java:1)",
            "requestId": "9a4f",
        }
    )


LOCKED = answer(
    "org.janusgraph.core.JanusGraphException", "org.janusgraph.diskstorage.locking.PermanentLockingException"
)
JE_LOCKED = answer("org.janusgraph.diskstorage.TemporaryBackendException", "com.sleepycat.je.LockTimeoutException")
AWAY = answer("org.janusgraph.core.JanusGraphException", "org.janusgraph.diskstorage.TemporaryBackendException")
EXISTS = answer("java.lang.IllegalArgumentException", message="Vertex with given id already exists: 256")
FAILED = answer("java.lang.IllegalArgumentException")


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (500, EXISTS, VertexExistsError, Code.CONFLICT),
        (500, LOCKED, TransientConflictError, Code.STORE_UNAVAILABLE),
        (500, JE_LOCKED, TransientConflictError, Code.STORE_UNAVAILABLE),
        (500, AWAY, StoreUnavailableError, Code.STORE_UNAVAILABLE),
        (429, b"", StoreUnavailableError, Code.STORE_UNAVAILABLE),
        (500, FAILED, StoreFailedError, Code.STORE_FAILED),
        (413, b"", StoreFailedError, Code.STORE_FAILED),
        (500, b"<html>not ours</html>", StoreFailedError, Code.STORE_FAILED),
        (200, b"[]", StoreFailedError, Code.STORE_FAILED),
    ],
)
def test_each_failure_is_one_of_ours(status: int, body: bytes, kind: type[CodedError], code: Code) -> None:
    """The class names decide which error it is, and no word of message or stack trace gets out."""
    with pytest.raises(CodedError) as caught:
        parse_rows(status, body, writes=False)
    assert type(caught.value) is kind
    assert caught.value.code is code
    assert PRIVATE not in f"{caught.value} {caught.value.extensions}"


@pytest.mark.parametrize(
    ("status", "body", "unknown"), [(500, AWAY, True), (500, LOCKED, False), (500, JE_LOCKED, False), (429, b"", False)]
)
def test_a_write_has_an_unknown_outcome_only_if_it_may_be_kept(status: int, body: bytes, *, unknown: bool) -> None:
    """A storage that went away may have kept the write; one that was refused or rolled back changed nothing."""
    with pytest.raises(StoreUnavailableError) as caught:
        parse_rows(status, body, writes=True)
    assert caught.value.unknown_outcome is unknown
    assert caught.value.extensions == {"retryAfter": 1, "unknownOutcome": unknown}


def test_a_failure_names_its_classes() -> None:
    """Simple class names, outermost first, each once, for the message and for programs."""
    body = answer(
        "org.janusgraph.core.JanusGraphException", "java.lang.IllegalStateException", "a.b.JanusGraphException"
    )
    with pytest.raises(StoreFailedError, match="JanusGraphException, IllegalStateException;") as caught:
        parse_rows(500, body, writes=True)
    assert caught.value.extensions == {"storeErrors": ["JanusGraphException", "IllegalStateException"]}


def test_no_data_is_no_rows() -> None:
    """A traversal without results and one that only changes something answer with an empty list."""
    assert parse_rows(200, b'{"result": {"data": []}}', writes=False) == []
    assert parse_rows(200, b'{"result": {"data": null}}', writes=True) == []
