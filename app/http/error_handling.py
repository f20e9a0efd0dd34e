"""Separates expected errors of an operation, which callers receive, from defects, which are logged.

A defect is an exception that is neither a `CodedError` nor caused by the caller's document or variables. The log gets
one line per response with defects: exception types and code locations. The line has no messages, documents or
variables, because they may contain values that readers of the log may not see.
"""

import traceback
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import PurePath

import structlog
from graphql import FieldNode, GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError

from graphql_schema.operation.input_faults import InputValueError
from policies.errors import Code, CodedError

log = structlog.get_logger("app.http")

_SUGGESTION = "Did you mean "


def coded_error_of(error: GraphQLError, *, executed: bool, suggestions: bool) -> CodedError | None:
    """Return the coded error to show for ``error``, None for a defect.

    ``executed`` is false for errors of parsing and validation. Without ``suggestions``, "Did you mean …" is removed
    from messages of graphql-core and of an InputValueError. An error of graphql-core is the caller's mistake if it has
    no path in the result (syntax, validation, variables) or points at an argument. An input that Strawberry cannot
    convert is one too. Other errors of graphql-core concern values that resolvers returned.
    """
    causes = list(_causes(error))
    expected = next((cause for cause in causes if isinstance(cause, CodedError)), None)
    if expected is not None:
        return expected if suggestions else _without_suggestion(expected)
    if not _caused_by_caller(error, causes):
        return None
    message = error.message if suggestions else _shortened(error.message)
    # graphql-core names an explicit null as Python does
    message = message.replace("not to be None", "not to be null")
    return CodedError(message, Code.INVALID if executed else Code.BAD_REQUEST)


def _without_suggestion(error: CodedError) -> CodedError:
    """Return an InputValueError without "Did you mean …" in its message; any other error unchanged."""
    if not isinstance(error, InputValueError):
        return error
    return CodedError(_shortened(error.message), error.code, **error.extensions)


def _shortened(message: str) -> str:
    """Return a message without "Did you mean …"; in linear time, because it can have long texts of the caller."""
    before, found, _ = message.partition(_SUGGESTION)
    return before.rstrip() if found else message


def log_defects(defects: Iterable[BaseException], request_id: str, document: str | None) -> None:
    """Log one line about the defects of a request: their number and the first five.

    ``document`` is logged as its SHA-256 in hex, so that equal documents can be recognised.
    """
    digest = sha256(document.encode("utf-8", "surrogatepass")).hexdigest() if document is not None else None
    summaries = [_summary(defect) for defect in defects]
    log.error("request_failed", request_id=request_id, document=digest, count=len(summaries), faults=summaries[:5])


def _caused_by_caller(error: GraphQLError, causes: list[BaseException]) -> bool:
    if any(isinstance(cause, StrawberryInputCoercionError) for cause in causes):
        return True
    if error.path is None:
        return bool(error.nodes) or isinstance(causes[-1], GraphQLError)
    return isinstance(causes[-1], GraphQLError) and not any(isinstance(node, FieldNode) for node in error.nodes or ())


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield ``error`` and the errors that it wraps, outermost first."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.original_error if isinstance(cause, GraphQLError) else None


def _summary(defect: BaseException) -> str:
    """Return the type of the innermost error with its last three code locations."""
    *_, root = _causes(defect)
    frames = traceback.extract_tb(root.__traceback__)[-3:]
    locations = [f"{'/'.join(PurePath(f.filename).parts[-3:])}:{f.lineno}" for f in frames]
    return f"{type(root).__module__}.{type(root).__qualname__} at {' > '.join(locations) or 'unknown place'}"
