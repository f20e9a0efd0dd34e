"""Decisions about versions of five models, aliases of eight models, and rollouts of versions of two models.

Five of the models have a story:

- Home page: version 2 is champion; version 3 is challenger in a canary and has no approval yet.
- Search: after a successful canary, version 3 became champion in place of version 2, and replaced version 1 in
  production.
- Churn: version 3 was trained while a day of data was missing; hana rejected it, and its canary was rolled back.
- Account takeover: high risk, so cy approved it for governance, too.
- Payment fraud: approved twice, and serving under an unprotected alias; its gate is closed because of restricted data.
"""

# ruff: noqa: E501 - one row of a table a line, so that it reads as a table

from collections.abc import Iterator

from app.ingest.demo.ids import deployment, instant, model, model_version, service
from app.ingest.load.scenario import Call, Round
from graphql_schema.ports.record import JsonObject

FINAL_ASSET = deployment("churn", "3", "canary")
"""The deployment that the last calls of the scenario register."""

_DECISIONS = (
    ("eli", "homepage-ranker", "2", "release", "APPROVED", "0.4 % more minutes in a week of shadow traffic"),
    ("gus", "ad-click", "2", "release", "APPROVED", "calibrated on all campaigns"),
    ("hana", "churn", "2", "release", "APPROVED", "holds on new subscribers"),
    ("hana", "churn", "3", "release", "REJECTED", "trained while a day of plays was missing"),
    ("juno", "account-takeover", "2", "release", "APPROVED", "half of the false alarms"),
    ("cy", "account-takeover", "2", "governance", "APPROVED", "no decision by country alone"),
    ("juno", "payment-fraud", "3", "release", "APPROVED", "stops a fifth more at the same friction"),
    ("cy", "payment-fraud", "3", "governance", "APPROVED", "every decline can be appealed"),
)

_ALIASES = (
    ("finn", "title-embedder", "champion", "2", True, "the vectors that all rankers build on"),
    ("eli", "homepage-ranker", "champion", "2", True, "won its week"),
    ("eli", "homepage-ranker", "challenger", "2", False, "to be compared with itself first"),
    ("eli", "homepage-ranker", "challenger", "3", False, "experiment homepage-v3"),
    ("eli", "search-ranker", "champion", "2", True, "first version with vectors"),
    ("eli", "search-ranker", "champion", "3", True, "its canary went well"),
    ("gus", "ad-click", "champion", "2", True, "serves all campaigns"),
    ("gus", "ad-click", "challenger", "3", False, "in the shadow of version 2"),
    ("gus", "ad-pacing", "champion", "3", True, "no campaign overspent"),
    ("hana", "churn", "champion", "2", True, "serves the letters"),
    ("juno", "account-takeover", "champion", "2", True, "approved twice"),
    ("juno", "payment-fraud", "champion", "3", False, "set before aliases were protected"),
)
"""Caller, model, alias, version, whether it is protected, and reason; in the order in which they were set."""

_ROLLOUTS = (
    ("ci-ranking", "search-ranker", "1", "search-api", "production", (("ACTIVE", 1.0, 2),)),
    ("ci-ranking", "search-ranker", "3", "search-api", "canary", (("ACTIVE", 0.05, 16), ("ACTIVE", 0.25, 17))),
    ("ci-ranking", "search-ranker", "3", "search-api", "production", (("PENDING", 0.0, 16), ("ACTIVE", 1.0, 18))),
    ("ci-ranking", "search-ranker", "1", "search-api", "production", (("RETIRED", 0.0, 18),)),
    ("ci-ranking", "search-ranker", "3", "search-api", "canary", (("RETIRED", 0.0, 18),)),
    ("root", "churn", "3", "retention-mailer", "canary", (("PENDING", 0.0, 16), ("ACTIVE", 0.1, 16), ("ROLLED_BACK", 0.0, 17))),
)  # fmt: skip
"""Caller, model, version, service, environment, and successive states: status, share of the traffic, day."""


def releases() -> Iterator[Round]:
    """Yield the decisions, then the aliases, then the rollouts."""
    yield [
        Call(caller, "approve", {"subject": model_version(name, number), "gate": gate, "decision": what, "reason": why})
        for caller, name, number, gate, what, why in _DECISIONS
    ]
    for caller, name, alias, version, protected, reason in _ALIASES:
        move = {"model": model(name), "alias": alias, "version": model_version(name, version)}
        yield [Call(caller, "setAlias", move | {"protected": protected, "reason": reason})]
    for caller, name, version, serving, environment, states in _ROLLOUTS:
        for status, share, day in states:
            body = _deployment(name, version, serving, environment)
            yield [Call(caller, "registerDeployment", body | _state(status, share, day))]


def _deployment(name: str, version: str, serving: str, environment: str) -> JsonObject:
    return {
        "id": deployment(name, version, environment),
        "displayName": f"{name} v{version} in {environment}",
        "modelVersion": model_version(name, version),
        "service": service(serving),
        "environment": environment,
        "visibility": "ORG",
    }


def _state(status: str, share: float, day: float) -> JsonObject:
    ended = status in {"RETIRED", "ROLLED_BACK"}
    return {"status": status, "trafficShare": share, "retiredAt" if ended else "deployedAt": instant(day)}
