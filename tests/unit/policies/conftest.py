"""Fixtures of the policy tests: callers, classes of assets, and the shipped rules and labels."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.oracles.decision_table import CALLERS, labels_by_hand, team

import policies
from graphql_schema.operation.field_guards import governed_fields as governed_by
from graphql_schema.schema import build_schema
from policies.attributes import PolicyAttributes
from policies.governed import Governed
from policies.labels import load_labels
from policies.policy import Policy
from policies.principal import Principal
from policies.vocabulary import Labels

SHIPPED = Path(policies.__file__).parent


@pytest.fixture(scope="session")
def people() -> dict[str, Principal]:
    """Return the callers of the decision table by name."""
    return dict(CALLERS)


@pytest.fixture(scope="session")
def asset() -> Callable[..., PolicyAttributes]:
    """Return a function that makes a class of model versions from owner (``ranking``, ``ads``, ``none``) and others."""
    owners = {"ranking": team("ranking"), "ads": team("ads"), "none": ""}

    def make(owner: str = "ranking", visibility: str = "TEAM", **others: str) -> PolicyAttributes:
        usual = PolicyAttributes("MODEL_VERSION", owners[owner], visibility, "INTERNAL", "ACTIVE", "INTERNAL")
        declared = {"confirmed_sensitivity": others.get("sensitivity", usual.sensitivity)}
        return usual._replace(**declared | others)

    return make


@pytest.fixture(scope="session")
def governed() -> Governed:
    """Return the governed types and fields of the schema."""
    return governed_by(build_schema().core)


@pytest.fixture(scope="session")
def labels(governed: Governed) -> Labels:
    """Return the shipped labels."""
    return load_labels(SHIPPED / "labels.toml", governed)


@pytest.fixture(scope="session")
def by_hand(governed: Governed) -> dict[str, dict[str, str]]:
    """Return the label of every field by type, from the hand-written list."""
    return labels_by_hand(governed)


@pytest.fixture(scope="session")
def shipped() -> str:
    """Return the text of the shipped rules."""
    return "\n".join(file.read_text() for file in sorted(SHIPPED.glob("*.cedar")))


@pytest.fixture(scope="session")
def policy(governed: Governed) -> Policy:
    """Load the shipped policy as the product does."""
    return Policy.load(None, governed)
