"""What became of an error of an operation: an expected one keeps its words, an unknown one is masked and logged.

The log gets one line per request: exception types and code locations, never messages, documents or variables,
because all three can hold what a caller may not see.
"""

import re
import traceback
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import PurePath

import structlog
from graphql import FieldNode, GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError

from policies.errors import Code, CodedError

log = structlog.get_logger("app.http")

_SUGGESTION = re.compile(r"\s*Did you mean .*\Z", re.DOTALL)


def coded_error_of(error: GraphQLError, *, executed: bool, suggestions: bool) -> CodedError | None:
    """Find the coded error behind ``error``, or None for a defect of ours.

    ``executed`` is false for errors of parsing and validation. graphql-core's own errors blame the caller when they
    stand outside the result (syntax, validation, variables) or point at an argument; inside the result they are
    about values that our resolvers gave.
    """
    causes = list(_causes(error))
    coded = next((cause for cause in causes if isinstance(cause, CodedError)), None)
    if coded is not None:
        return coded
    if not _blames_caller(error, causes):
        return None
    message = error.message if suggestions else _SUGGESTION.sub("", error.message)
    return CodedError(message, Code.INVALID if executed else Code.BAD_REQUEST)


def log_defects(faults: Iterable[BaseException], request_id: str, document: str | None) -> None:
    """Write the one line about the defects of one request; ``document`` goes in as its SHA-256."""
    digest = sha256(document.encode("utf-8", "surrogatepass")).hexdigest() if document is not None else None
    summaries = [_summary(fault) for fault in faults]
    log.error("request_failed", request_id=request_id, document=digest, count=len(summaries), faults=summaries[:5])


def _blames_caller(error: GraphQLError, causes: list[BaseException]) -> bool:
    if any(isinstance(cause, StrawberryInputCoercionError) for cause in causes):
        return True
    if error.path is None:
        return bool(error.nodes) or isinstance(causes[-1], GraphQLError)
    return isinstance(causes[-1], GraphQLError) and not any(isinstance(node, FieldNode) for node in error.nodes or ())


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what it wraps, outermost first."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.original_error if isinstance(seen, GraphQLError) else None


def _summary(fault: BaseException) -> str:
    *_, root = _causes(fault)
    frames = traceback.extract_tb(root.__traceback__)[-3:]
    places = [f"{'/'.join(PurePath(f.filename).parts[-3:])}:{f.lineno}" for f in frames]
    return f"{type(root).__module__}.{type(root).__qualname__} at {' > '.join(places) or 'unknown place'}"
