"""The shipped policy and the schema that it governs."""

import pytest

from graphql_schema.operation.field_guards import governed_fields
from graphql_schema.schema import build_schema
from policies.governed import Governed
from policies.policy import Policy


@pytest.fixture(scope="session")
def governed() -> Governed:
    """Return the governed types and fields of the schema."""
    return governed_fields(build_schema().core)


@pytest.fixture(scope="session")
def policy(governed: Governed) -> Policy:
    """Load the shipped policy."""
    return Policy.load(None, governed)
