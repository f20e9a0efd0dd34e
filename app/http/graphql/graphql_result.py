"""Builds the response of an execution result: its errors and body, and its status over HTTP.

Status:

- A request error (nothing was executed) has no entry ``data``. With ``application/graphql-response+json`` the status
  is that of the first error's code. With ``application/json`` a mistake in the document gives 200, because such
  clients cannot distinguish a 400 of this server from a 400 of a proxy.
- A result with data is 200, even if fields failed.
- A ``data`` of null is 503 if the store is unavailable, 403 if the token lacks a scope, else 200. The GraphQL-over-HTTP
  draft only recommends 200 here. Clients and proxies retry after a 503; the challenge of a 403 names the missing scope.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from graphql import GraphQLError
from starlette.responses import Response
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from app.errors import HTTP_STATUS, InternalError
from app.http.connections.departure import Departure
from app.http.encoded_content import encoded_content
from app.http.error_handling import coded_error_of, log_defects
from app.http.graphql.operation_watch import Endable
from app.http.json_response import encoded_response, error_payload
from app.http.negotiation import JSON
from app.telemetry.operation_report import OK
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.ports.operation_budget import MANY_VALUES
from graphql_schema.ports.turns.gradual_release import RELEASE
from policies.errors import Code, CodedError

MAX_ERRORS = 5
"""Maximum number of errors in a response; further errors are counted in ``extensions.errorsOmitted``."""

_STATUS_WITHOUT_DATA = frozenset({Code.STORE_UNAVAILABLE, Code.FORBIDDEN})
"""Codes that determine the status of an executed operation if ``data`` is null."""
_DOCUMENT_CODES = frozenset({Code.BAD_REQUEST, Code.INVALID, Code.LIMIT_EXCEEDED})
"""Codes of mistakes in the document or its variables."""


@dataclass(frozen=True, slots=True)
class GraphQLResult:
    """An execution result whose errors are classified.

    ``errors`` pairs each error with the coded error that the response shows. The pairs are sorted by path, because the
    order of completion would disclose how long hidden values took. ``executed`` is false for a request error.
    """

    data: dict[str, object] | None
    executed: bool
    errors: Sequence[tuple[GraphQLError, CodedError]]
    extensions: Mapping[str, object]

    def status(self, media: str) -> int:
        """Return the HTTP status of the response in the media type ``media``."""
        codes = [error.code for _, error in self.errors]
        if not self.executed:
            return HTTPStatus.OK if media == JSON and codes[0] in _DOCUMENT_CODES else HTTP_STATUS[codes[0]]
        if self.data is None:
            for code in codes:
                if code in _STATUS_WITHOUT_DATA:
                    return HTTP_STATUS[code]
        return HTTPStatus.OK

    @property
    def first_code(self) -> str:
        """The code of the first error by path, OK without errors."""
        return str(self.errors[0][1].code) if self.errors else OK

    @property
    def missing_scope(self) -> str | None:
        """The scope that the token lacks, if ``data`` is null for this reason; else None."""
        scopes = [error.extensions.get("scope") for _, error in self.errors if error.code is Code.FORBIDDEN]
        return str(scopes[0]) if self.data is None and scopes else None

    def content(self, request_id: str) -> dict[str, object]:
        """Return the body of the response, with at most `MAX_ERRORS` errors."""
        content: dict[str, object] = {"data": self.data} if self.executed else {}
        extensions = dict(self.extensions)
        if self.errors:
            shown = self.errors[:MAX_ERRORS]
            content["errors"] = [error_payload(error, request_id, origin) for origin, error in shown]
        if len(self.errors) > MAX_ERRORS:
            extensions["errorsOmitted"] = len(self.errors) - MAX_ERRORS
        if extensions:
            content["extensions"] = extensions
        return content

    async def response(
        self,
        request_id: str,
        media: str,
        budget: Endable,
        departure: Departure,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Return the HTTP response in the media type ``media``, with additional ``headers``.

        ``budget`` has the number of characters of texts and keys in ``data``, and that of its values. If it is much, it
        is freed in turns afterwards. Its bytes count there. Raises ClientDisconnect if the client leaves meanwhile, and
        `CodedError` if they are too many.
        """

        def count(size: int) -> None:
            departure.check()
            budget.count_response(size)

        try:
            body = await encoded_content(self.content(request_id), budget.characters, budget.values, count)
        finally:
            if budget.values > MANY_VALUES:
                RELEASE.free_response(self.data)
        return encoded_response(body, self.status(media), media, headers)


def build_result(result: ExecutionResult, request_id: str, document: str, *, suggestions: bool) -> GraphQLResult:
    """Return ``result`` with classified errors; log its defects in one line and mask them.

    Expected errors lose their tracebacks: their frames refer to the operation, which refers to the errors.
    Without ``suggestions``, "Did you mean …" is removed from messages of graphql-core and about input values.
    """
    errors = sorted(result.errors or [], key=_path_order)
    before_execution = isinstance(result, PreExecutionError)
    classified = [(e, coded_error_of(e, executed=not before_execution, suggestions=suggestions)) for e in errors]
    if defects := [error for error, coded in classified if coded is None]:
        log_defects(defects, request_id, document)
    forget_frames(*errors)
    masked = InternalError.masking(request_id)
    return GraphQLResult(
        data=result.data,
        executed=result.data is not None or not errors or any(e.path is not None for e in errors),
        errors=[(error, coded or masked) for error, coded in classified],
        extensions=result.extensions or {},
    )


def _path_order(error: GraphQLError) -> list[str]:
    """Return a sort key that orders errors by path; list indices are padded to sort as numbers."""
    return [f"{step:09}" if isinstance(step, int) else step for step in error.path or ()]
