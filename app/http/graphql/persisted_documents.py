"""Persisted documents: an operation is requested by the id or the hash of its document instead of the text.

``documentId`` is that of the GraphQL-over-HTTP draft, an id of a manifest or ``sha256:`` with a hash.
``extensions.persistedQuery`` is Apollo's protocol of automatic persisted queries (APQ). Clients send a hash alone, and
send the text if the error is `PersistedQueryNotFound` (with the hash) or `PersistedQueryNotSupported` (without it).
Apollo Client and urql compare these messages word for word.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Final

import structlog

from app.http.errors import HttpError
from app.http.graphql.document_manifest import digest_of
from app.http.graphql.graphql_request import OperationParams
from app.http.graphql.registered_documents import RegisteredDocuments
from policies.errors import Code
from policies.principal import Principal

log = structlog.get_logger("app.http")

_HASH_ID: Final = re.compile(r"sha256:([0-9a-f]{64})")
_MAX_LOGGED: Final = 1_000
"""Maximal number of different documents outside of the manifest that are logged."""


class DocumentMode(StrEnum):
    """Which documents run: all (``open`` and ``prefer``), or those of the manifest (``require``).

    With ``prefer``, each document outside of the manifest is logged once.
    """

    OPEN = "open"
    PREFER = "prefer"
    REQUIRE = "require"


@dataclass(slots=True)
class PersistedDocuments:
    """Finds the document of a request.

    ``manifest`` has the documents of MLG_DOCUMENTS and those of the explorer, by id and by SHA-256.
    """

    mode: DocumentMode = DocumentMode.OPEN
    manifest: Mapping[str, str] = field(default_factory=dict)
    registered: RegisteredDocuments = field(default_factory=RegisteredDocuments)
    _logged: set[str] = field(default_factory=set)

    def text_of(self, params: OperationParams, principal: Principal) -> str:
        """Return the text of the document that a request names or contains.

        Raises `HttpError` if it is not found, if the mode does not permit it, or if the request has both an id and a
        text. The error is also raised if ``persistedQuery`` is malformed or has the hash of another text.
        """
        caller = (principal.tenant, principal.subject)
        if params.document_id:
            return self._by_id(params, caller)
        digest = _apq_hash(params.extensions or {})
        return self._given(params.query, digest, caller) if params.query else self._by_hash(digest or "", caller)

    def _given(self, text: str, digest: str | None, caller: tuple[str, str]) -> str:
        """Return ``text``, after its registration under ``digest`` if there is one and the manifest lacks the text.

        Raises `HttpError` if ``digest`` is that of another text, or if the mode does not permit the text.
        """
        actual = digest_of(text)
        if digest not in {None, actual}:
            raise HttpError(
                HTTPStatus.BAD_REQUEST,
                "`extensions.persistedQuery.sha256Hash` is not the SHA-256 of `query`. Send the hash of this text.",
            )
        if actual not in self.manifest:
            self._permit_unknown(actual)
            if digest:
                self.registered.put(caller, digest, text)
        return text

    def _permit_unknown(self, digest: str) -> None:
        """Raise `HttpError` if only documents of the manifest run; with ``prefer``, log a document outside of it."""
        if self.mode is DocumentMode.REQUIRE:
            raise HttpError(
                HTTPStatus.FORBIDDEN,
                f"Only persisted documents run here, and none has the SHA-256 {digest}. Add the document to a file of "
                "MLG_DOCUMENTS, and restart the server.",
                Code.PERSISTED_DOCUMENT_REQUIRED,
            )
        if self.mode is DocumentMode.PREFER and digest not in self._logged and len(self._logged) < _MAX_LOGGED:
            self._logged.add(digest)
            log.warning("document_not_persisted", document=digest)

    def _by_hash(self, digest: str, caller: tuple[str, str]) -> str:
        text = self._find(digest, caller)
        if text is not None:
            return text
        if self.mode is DocumentMode.REQUIRE:
            raise HttpError(HTTPStatus.OK, "PersistedQueryNotSupported", Code.PERSISTED_QUERY_NOT_SUPPORTED)
        raise HttpError(HTTPStatus.OK, "PersistedQueryNotFound", Code.PERSISTED_QUERY_NOT_FOUND)

    def _by_id(self, params: OperationParams, caller: tuple[str, str]) -> str:
        if params.query:
            raise HttpError(HTTPStatus.BAD_REQUEST, "The request has `documentId` and `query`. Send one of the two.")
        name = params.document_id or ""
        hashed = _HASH_ID.fullmatch(name)
        text = self.manifest.get(name) or (self._find(hashed[1], caller) if hashed else None)
        if text is None:
            raise HttpError(
                HTTPStatus.BAD_REQUEST,
                f"There is no persisted document {name[:100]!r}. Add it to a file of MLG_DOCUMENTS, or send its text "
                "as `query`, which MLG_DOCUMENT_MODE=require refuses.",
                Code.PERSISTED_QUERY_NOT_FOUND,
            )
        return text

    def _find(self, digest: str, caller: tuple[str, str]) -> str | None:
        return self.manifest.get(digest) or self.registered.get(caller, digest)


def _apq_hash(extensions: Mapping[str, object]) -> str | None:
    """Return the hash of ``extensions.persistedQuery`` in lower case, None if there is none; raises `HttpError`."""
    given = extensions.get("persistedQuery")
    if given is None:
        return None
    digest = given.get("sha256Hash") if isinstance(given, dict) else None
    if not isinstance(given, dict) or given.get("version") != 1 or not isinstance(digest, str) or not digest:
        raise HttpError(
            HTTPStatus.BAD_REQUEST,
            "`extensions.persistedQuery` is malformed. Send `version` 1 and `sha256Hash`, the SHA-256 of the document.",
        )
    return digest.lower()
