"""The callers, asset classes and coordinates that the policy tests speak of."""

from collections.abc import Callable
from pathlib import Path

import pytest

import policies
from policies.attributes import PolicyAttributes
from policies.labels import load_labels
from policies.policy import Policy
from policies.principal import Principal, PrincipalKind
from policies.vocabulary import Labels

SHIPPED = Path(policies.__file__).parent
RANKING, ADS, GOVERNANCE, PLATFORM = (
    f"mlg://team/catalog/default/{name}" for name in ("ranking", "ads", "governance", "platform")
)
READ, WRITE = "graph:read", "graph:write"

COMMON = """id kind source namespace name displayName description stage visibility sensitivity declaredSensitivity
    hydration revision properties property sourceCreatedAt createdAt createdBy updatedAt updatedBy deletedAt ownerTeam
    owners domain tags replacedBy upstream downstream lineage impact usage health checks incidents history
    viewerAccess"""
OWN = {
    "Dataset": "format location columns versions latestVersion version derivedFrom feeds",
    "DatasetVersion": "version dataset location contentDigest rowCount producedBy consumedBy",
    "FeatureSet": "entityKeys online features derivedFrom",
    "Feature": "dataType expression freshnessSla featureSet derivedFrom models",
    "Model": "task riskTier intendedUse versions latestVersion version aliases inputs services",
    "ModelVersion": """version model framework artifactUri digest codeRef params metrics aliases trainingRun trainedOn
        features featureSets basedOn derivedModels evaluations deployments experimentCells approvals gate""",
    "Evaluation": "evaluationKind verdict metrics evaluatedAt modelVersion evaluatedOn baseline againstBaseline run",
    "Workflow": "workflowKind codeRef schedule runs latestRun inputs outputs steps",
    "Run": """state startedAt endedAt codeVersion params metrics error costUsd workflow parentRun startedBy inputs
        outputs""",
    "Service": "tier endpoint oncall deployments callers calls",
    "Deployment": "environment status trafficShare deployedAt retiredAt modelVersion service",
    "Experiment": "hypothesis state startedAt endedAt cells",
    "ExperimentCell": "cell allocation experiment subjects",
    "Report": "reportKind url inputs",
}


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
def coordinates() -> dict[str, list[str]]:
    """Give the governed fields of the API contract, type by type."""
    return {name: f"{COMMON} {own}".split() for name, own in OWN.items()}


@pytest.fixture(scope="session")
def labels(coordinates: dict[str, list[str]]) -> Labels:
    """Give the labels as shipped."""
    return load_labels(SHIPPED / "labels.toml", coordinates)


@pytest.fixture(scope="session")
def shipped() -> str:
    """Give the rules as shipped."""
    return "\n".join(file.read_text() for file in sorted(SHIPPED.glob("*.cedar")))


@pytest.fixture(scope="session")
def policy(coordinates: dict[str, list[str]]) -> Policy:
    """Load the shipped policy the way the product loads it."""
    return Policy.load(None, coordinates)
