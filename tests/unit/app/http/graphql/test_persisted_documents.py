"""Persisted documents over HTTP: ids, hashes, modes, and the errors on which clients fall back."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from structlog.testing import capture_logs

from app.http.graphql.graphql_request import OperationParams
from app.http.graphql.persisted_documents import DocumentMode, PersistedDocuments
from policies.principal import Principal, PrincipalKind

KNOWN = '{ greeting(name: "manifest") }'
OTHER = '{ greeting(name: "other") }'
GR = "application/graphql-response+json"
ADA = Principal("ada", PrincipalKind.PERSON, "default")


def digest(text: str) -> str:
    """Return the hash that a client computes."""
    return sha256(text.encode()).hexdigest()


def apq(text: str, sent: str | None = None) -> dict[str, Any]:
    """Return the members of a request by hash; ``sent`` is the text if it is sent, too."""
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": digest(text)}}
    return {"extensions": extensions, **({} if sent is None else {"query": sent})}


Ask = Callable[..., Any]


@pytest.fixture
def ask(build: Callable[..., Starlette]) -> Callable[[str], Ask]:
    """Return a function that makes a client of an application in a mode, which returns status and outcome."""

    def in_mode(mode: str) -> Ask:
        documents = PersistedDocuments(DocumentMode(mode), {"m1": KNOWN, digest(KNOWN): KNOWN})
        http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=build(documents=documents)), base_url="http://test"
        )

        async def ask(method: str = "POST", **body: Any) -> tuple[int, str, str]:
            given = {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
            sent = {"json": body} if method == "POST" else {"params": given}
            response = await http.request(method, "/graphql", headers={"accept": GR}, **sent)
            answer = response.json()
            if "errors" in answer:
                (error,) = answer["errors"]
                return response.status_code, error["extensions"]["code"], error["message"]
            return response.status_code, "", answer["data"]["greeting"]

        return ask

    return in_mode


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("mode", list(DocumentMode))
async def test_a_document_of_the_manifest_runs_in_every_mode(ask: Callable[[str], Ask], mode: str, method: str) -> None:
    """By its id, by its hash in both protocols, and by its text."""
    requests: list[dict[str, Any]] = [
        {"documentId": "m1"},
        {"documentId": f"sha256:{digest(KNOWN)}"},
        apq(KNOWN),
        apq(KNOWN, KNOWN),
        {"query": KNOWN},
    ]
    for request in requests:
        assert await ask(mode)(method, **request) == (200, "", "hello manifest")


@pytest.mark.parametrize("mode", ["open", "prefer"])
async def test_a_client_registers_a_document(ask: Callable[[str], Ask], mode: str) -> None:
    """The first request by hash has the error that clients fall back on; after the text was sent, the hash is found."""
    client = ask(mode)
    missing = (200, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
    assert await client("GET", **apq(OTHER)) == missing
    assert await client("POST", **apq(OTHER, OTHER)) == (200, "", "hello other")
    assert await client("GET", **apq(OTHER)) == (200, "", "hello other")
    assert await client("POST", documentId=f"sha256:{digest(OTHER)}") == (200, "", "hello other")


async def test_other_documents_are_refused_if_persisted_ones_are_required(ask: Callable[[str], Ask]) -> None:
    """A hash alone gets the error after which clients send the text, and the text an error that names the setting."""
    client = ask("require")
    assert await client(**apq(OTHER)) == (200, "PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")
    for request in ({"query": OTHER}, apq(OTHER, OTHER), {"query": "{ __schema { types { name } } }"}):
        status, code, message = await client(**request)
        assert (status, code) == (403, "PERSISTED_DOCUMENT_REQUIRED")
        assert "MLG_DOCUMENTS" in message
    assert (await client(**apq(OTHER)))[1] == "PERSISTED_QUERY_NOT_SUPPORTED"


async def test_preferred_documents_are_logged_once() -> None:
    """In `prefer`, each document outside of the manifest has one line with its hash, without its text."""
    documents = PersistedDocuments(DocumentMode.PREFER, {digest(KNOWN): KNOWN})
    with capture_logs() as logs:
        for text in (KNOWN, OTHER, OTHER):
            documents.text_of(OperationParams(text, None, None, None), ADA)
    assert logs == [{"event": "document_not_persisted", "document": digest(OTHER), "log_level": "warning"}]


async def test_a_registered_document_is_that_of_its_caller() -> None:
    """Another caller does not learn that a document was sent: its hash is absent for that caller."""
    documents = PersistedDocuments()
    extensions = apq(OTHER)["extensions"]
    documents.text_of(OperationParams(OTHER, None, None, extensions), ADA)
    assert documents.text_of(OperationParams(None, None, None, extensions), ADA) == OTHER
    with pytest.raises(Exception, match=r"^PersistedQueryNotFound$"):
        documents.text_of(
            OperationParams(None, None, None, extensions), Principal("bo", PrincipalKind.PERSON, "default")
        )


MALFORMED: dict[str, tuple[dict[str, Any], str]] = {
    "another hash": (apq(KNOWN, OTHER), "is not the SHA-256 of `query`"),
    "another version": ({"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "a"}}}, "Send `version` 1"),
    "no hash": ({"extensions": {"persistedQuery": {"version": 1}}}, "Send `version` 1"),
    "a text": ({"extensions": {"persistedQuery": "a"}}, "Send `version` 1"),
    "both": ({"documentId": "m1", "query": KNOWN}, "Send one of the two"),
    "nothing": ({"documentId": "", "extensions": {"persistedQuery": None}}, "`query` is missing or empty"),
    "a number": ({"documentId": 7}, "`documentId` is malformed"),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_request_is_refused(ask: Callable[[str], Ask], name: str) -> None:
    """The message says what to send; nothing is registered under a hash that is not that of the text."""
    request, expected = MALFORMED[name]
    status, code, message = await ask("open")(**request)
    assert (status, code) == (400, "BAD_REQUEST")
    assert expected in message


async def test_an_unknown_id_is_named(ask: Callable[[str], Ask]) -> None:
    """An id has no fallback, so its message is for the reader."""
    for name in ("m2", "sha256:abc", f"sha256:{digest(OTHER)}"):
        status, code, message = await ask("open")(documentId=name)
        assert (status, code) == (400, "PERSISTED_QUERY_NOT_FOUND")
        assert name in message
