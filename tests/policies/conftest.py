"""The callers, asset classes and coordinates that the policy tests speak of."""

from collections.abc import Callable
from pathlib import Path

import pytest

import policies
from graphql_schema.govern import governed as governed_by
from graphql_schema.schema import build_schema
from policies.attributes import PolicyAttributes
from policies.governed import Governed
from policies.labels import load_labels
from policies.policy import Policy
from policies.principal import Principal, PrincipalKind
from policies.vocabulary import Labels

SHIPPED = Path(policies.__file__).parent
RANKING, ADS, GOVERNANCE, PLATFORM = (
    f"mlg://team/catalog/default/{name}" for name in ("ranking", "ads", "governance", "platform")
)
READ, WRITE = "graph:read", "graph:write"


def _person(subject: str, teams: str = "", roles: str = "", scopes: str = f"{READ} {WRITE}") -> Principal:
    kind = PrincipalKind.SERVICE_ACCOUNT if subject in ("ci-ranking", "robot") else PrincipalKind.PERSON
    return Principal(
        subject,
        kind,
        tenant="default",
        teams=frozenset(teams.split()),
        roles=frozenset(roles.split()),
        scopes=frozenset(scopes.split()),
    )


@pytest.fixture(scope="session")
def people() -> dict[str, Principal]:
    """Give the personas of the documentation, and others that tell rules apart which the personas do not."""
    callers = (
        _person("ada", RANKING, "engineer"),
        _person("bo", ADS, "reader", READ),
        _person("cy", GOVERNANCE, "auditor", READ),
        _person("ci-ranking", RANKING, "engineer"),
        _person("root", PLATFORM, "admin", f"{READ} {WRITE} graph:admin"),
        _person("anonymous", scopes=""),
        _person("no-team-engineer", roles="engineer"),
        _person("robot", roles="automation", scopes=WRITE),
        _person("ads-writer", ADS, "reader"),
        _person("guest"),
        _person("auditor-writer", GOVERNANCE, "auditor"),
        _person("engineer-auditor", roles="engineer auditor"),
        _person("blind-admin", PLATFORM, "admin", WRITE),
    )
    return {caller.subject: caller for caller in callers}


@pytest.fixture(scope="session")
def asset() -> Callable[..., PolicyAttributes]:
    """Make a class of assets: a model version owned by ``ranking``, ``ads`` or nobody, of some visibility."""
    owners = {"ranking": RANKING, "ads": ADS, "none": ""}

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
