"""From an execution result to an HTTP answer: which errors show, and which status tells the truth.

A request error (nothing was executed) has no ``data`` entry. As ``application/graphql-response+json`` its status is
that of the first error's code; as ``application/json`` a caller's mistake in the document stays 200, because such
clients cannot tell our 400 from a proxy's. Partial results are 200. A ``data`` of null for want of the store is 503
under both, and for want of a scope 403: the draft only recommends 200 there, and whoever sees a 503, proxies included,
rightly tries again, as a 403 with its challenge says which token to get.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from graphql import GraphQLError
from starlette.responses import Response
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from app.errors import HTTP_STATUS, InternalError
from app.http import error_handling as faults
from app.http.json_response import error_payload, json_response
from app.http.negotiation import JSON
from policies.errors import Code, CodedError

ERRORS_RETURNED = 5

_WITHOUT_DATA = frozenset({Code.STORE_UNAVAILABLE, Code.FORBIDDEN})
"""Codes that, where they leave no data at all, are the status of the answer."""
_DOCUMENT_CODES = frozenset({Code.BAD_REQUEST, Code.INVALID, Code.LIMIT_EXCEEDED})


@dataclass(frozen=True, slots=True)
class GraphQLResult:
    """An execution result with its errors judged, in the order of their paths: what is hidden may take time."""

    data: dict[str, Any] | None
    executed: bool
    errors: Sequence[tuple[GraphQLError, CodedError]]
    extensions: Mapping[str, Any]

    def status(self, media: str) -> int:
        """Return the HTTP status of this answer as ``media``."""
        codes = [error.code for _, error in self.errors]
        if not self.executed:
            return HTTPStatus.OK if media == JSON and codes[0] in _DOCUMENT_CODES else HTTP_STATUS[codes[0]]
        if self.data is None:
            for code in _WITHOUT_DATA.intersection(codes):
                return HTTP_STATUS[code]
        return HTTPStatus.OK

    @property
    def lacking(self) -> str | None:
        """The scope for want of which there is no data."""
        scopes = [error.extensions.get("scope") for _, error in self.errors if error.code is Code.FORBIDDEN]
        return str(scopes[0]) if self.data is None and scopes else None

    def content(self, request_id: str) -> dict[str, Any]:
        """The answer as JSON: at most five errors, and how many were left out."""
        content: dict[str, Any] = {"data": self.data} if self.executed else {}
        extensions = dict(self.extensions)
        if self.errors:
            shown = self.errors[:ERRORS_RETURNED]
            content["errors"] = [error_payload(error, request_id, where) for where, error in shown]
        if len(self.errors) > ERRORS_RETURNED:
            extensions["errorsOmitted"] = len(self.errors) - ERRORS_RETURNED
        if extensions:
            content["extensions"] = extensions
        return content

    def response(self, request_id: str, media: str, headers: Mapping[str, str] | None = None) -> Response:
        """Build the answer over HTTP."""
        return json_response(self.content(request_id), self.status(media), media, headers)


def settle(result: ExecutionResult, request_id: str, document: str, *, suggestions: bool) -> GraphQLResult:
    """Judge the errors of ``result``; defects are masked, and reported in one line."""
    errors = sorted(result.errors or [], key=_place)
    before_execution = isinstance(result, PreExecutionError)
    judged = [(e, faults.coded_error_of(e, executed=not before_execution, suggestions=suggestions)) for e in errors]
    if defects := [error for error, coded in judged if coded is None]:
        faults.log_defects(defects, request_id, document)
    masked = InternalError.masking(request_id)
    return GraphQLResult(
        data=result.data,
        executed=result.data is not None or not errors or any(e.path is not None for e in errors),
        errors=[(error, coded or masked) for error, coded in judged],
        extensions=result.extensions or {},
    )


def _place(error: GraphQLError) -> list[str]:
    """Where an error stands among others; indices in the order of numbers."""
    return [f"{step:09}" if isinstance(step, int) else step for step in error.path or ()]
