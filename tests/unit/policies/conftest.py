"""The callers, asset classes and coordinates that the policy tests speak of."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.oracles.decision_table import CALLERS, team

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
    """Give the callers of the decision table by their names there."""
    return dict(CALLERS)


@pytest.fixture(scope="session")
def asset() -> Callable[..., PolicyAttributes]:
    """Make a class of assets: a model version owned by ``ranking``, ``ads`` or nobody, of some visibility."""
    owners = {"ranking": team("ranking"), "ads": team("ads"), "none": ""}

    def make(owner: str = "ranking", visibility: str = "TEAM", **others: str) -> PolicyAttributes:
        usual = PolicyAttributes("MODEL_VERSION", owners[owner], visibility, "INTERNAL", "ACTIVE")
        return usual._replace(**others)

    return make


@pytest.fixture(scope="session")
def governed() -> Governed:
    """Give what the policy is told of the schema."""
    return governed_by(build_schema().core)


@pytest.fixture(scope="session")
def labels(governed: Governed) -> Labels:
    """Give the labels as shipped."""
    return load_labels(SHIPPED / "labels.toml", governed)


@pytest.fixture(scope="session")
def shipped() -> str:
    """Give the rules as shipped."""
    return "\n".join(file.read_text() for file in sorted(SHIPPED.glob("*.cedar")))


@pytest.fixture(scope="session")
def policy(governed: Governed) -> Policy:
    """Load the shipped policy the way the product loads it."""
    return Policy.load(None, governed)
