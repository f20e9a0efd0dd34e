"""Errors of the driver: after which of them a write may be stored."""

import pytest

from app.graph.driver.errors import (
    PreparedTextError,
    StoreFailedError,
    StoreUnavailableError,
    TransientConflictError,
    VertexExistsError,
    WriteRefusedError,
    WriteTooLargeError,
    may_be_written,
)


@pytest.mark.parametrize(
    ("error", "may"),
    [
        (StoreUnavailableError("lost", unknown_outcome=True), True),
        (StoreFailedError("failed"), True),
        (TimeoutError(), True),
        (StoreUnavailableError("refused"), False),
        (TransientConflictError("first"), False),
        (VertexExistsError("taken"), False),
        (WriteRefusedError("values"), False),
        (WriteTooLargeError("size"), False),
        (PreparedTextError("defect"), False),
    ],
)
def test_a_write_may_be_stored_unless_its_error_excludes_it(error: Exception, *, may: bool) -> None:
    """An error of which nothing is known excludes nothing."""
    assert may_be_written(error) is may
