"""Expected errors: each has a code, a message for people and values for programs."""

import pytest

from policies.errors import Code, CodedError, ConfigurationError, DeniedError, InvalidError, LimitError

CODES = [
    "BAD_REQUEST",
    "INVALID",
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "DENIED",
    "NOT_FOUND",
    "CONFLICT",
    "LIMIT_EXCEEDED",
    "PERSISTED_QUERY_NOT_FOUND",
    "PERSISTED_QUERY_NOT_SUPPORTED",
    "PERSISTED_DOCUMENT_REQUIRED",
    "STORE_UNAVAILABLE",
    "UNREADABLE",
    "STORE_FAILED",
    "KEYS_UNAVAILABLE",
    "ACCESS_LOG_UNAVAILABLE",
    "CONFIGURATION",
    "INTERNAL",
]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (CodedError, "INTERNAL"),
        (InvalidError, "INVALID"),
        (DeniedError, "DENIED"),
        (LimitError, "LIMIT_EXCEEDED"),
        (ConfigurationError, "CONFIGURATION"),
    ],
)
def test_each_class_has_its_code(kind: type[CodedError], code: str) -> None:
    """An error raised without a code has that of its class, and an error without a class is a defect."""
    error = kind("No. Do something else.")
    assert (error.code, error.message, str(error)) == (code, "No. Do something else.", "No. Do something else.")
    assert error.extensions == {}


def test_a_given_code_replaces_that_of_the_class() -> None:
    """The code is that of one error; further errors of the class keep the code of the class."""
    assert CodedError("The key was withdrawn.", Code.UNAUTHENTICATED).code is Code.UNAUTHENTICATED
    assert InvalidError("It is absent.", Code.NOT_FOUND).code is Code.NOT_FOUND
    assert InvalidError("It is negative.").code is Code.INVALID


def test_values_for_programs_are_kept_by_name() -> None:
    """The extensions hold exactly the values that were given, not the code."""
    assert LimitError("Too many.", limit=500, path=["a", 1]).extensions == {"limit": 500, "path": ["a", 1]}


def test_codes_are_their_own_names() -> None:
    """Clients rely on the values of the codes: none is renamed, and none differs from its name."""
    assert {code.name: code.value for code in Code} == {name: name for name in CODES}
