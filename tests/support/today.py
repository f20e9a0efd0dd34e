"""The day on which the tests began, for tests that compute days themselves."""

from datetime import UTC, datetime

import pytest

TODAY = datetime.now(UTC).date()


def skip_after_midnight() -> None:
    """Skip a test if the date changed while the tests ran, because the API then counts from another day."""
    if datetime.now(UTC).date() != TODAY:
        pytest.skip("a day began while the tests ran")
