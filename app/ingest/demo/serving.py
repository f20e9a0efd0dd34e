"""Services, deployments of versions in them, and online experiments that compare versions.

The estate has a cycle here: the ranking service logs its responses, and that log trains the next ranker. The
deployments that change their state, of search-ranker and of churn version 3, are in ``releases``.
"""

from collections.abc import Iterator

from app.ingest.demo.ids import (
    Item,
    cell,
    deployment,
    domain,
    evaluation,
    experiment,
    feature_set,
    instant,
    link,
    model_version,
    owned_by,
    service,
    table,
    tag,
)

_SERVICES = (
    ("web-player", "platform", 1, "The player in the browser", ("homepage-api", "search-api", "ad-server")),
    ("homepage-api", "ranking", 1, "Answers with the rows of a home page", ("ranking-service",)),
    ("ranking-service", "ranking", 1, "Scores titles for a profile", ()),
    ("search-api", "ranking", 1, "Answers queries", ("ranking-service",)),
    ("ad-server", "ads", 2, "Chooses an advertisement", ()),
    ("retention-mailer", "growth", 3, "Writes to those who may leave", ()),
    ("checkout", "risk", 1, "Takes payments", ("fraud-gate",)),
    ("fraud-gate", "risk", 1, "Says yes or no to a payment within 40 ms", ()),
    ("login", "risk", 1, "Lets people in", ("fraud-gate",)),
)

_SERVING = (
    ("homepage-ranker", "2", "ranking-service", "production", 0.9, "ACTIVE"),
    ("homepage-ranker", "3", "ranking-service", "canary", 0.1, "ACTIVE"),
    ("homepage-ranker", "1", "ranking-service", "production", 0.0, "RETIRED"),
    ("title-embedder", "2", "ranking-service", "production", 1.0, "ACTIVE"),
    ("ad-click", "2", "ad-server", "production", 1.0, "ACTIVE"),
    ("ad-click", "3", "ad-server", "shadow", 0.0, "PENDING"),
    ("ad-pacing", "3", "ad-server", "production", 1.0, "ACTIVE"),
    ("churn", "2", "retention-mailer", "production", 1.0, "ACTIVE"),
    ("payment-fraud", "3", "fraud-gate", "production", 1.0, "ACTIVE"),
    ("account-takeover", "2", "fraud-gate", "production", 1.0, "ACTIVE"),
)

_EXPERIMENTS = (
    ("homepage-v3", "ranking", "Version 3 brings 1 % more minutes", "RUNNING", "homepage-ranker", ("2", "3")),
    ("search-vectors", "ranking", "Vectors shorten the way to a play", "STOPPED", "search-ranker", ("1", "3")),
    ("ad-load", "ads", "Better clicks allow fewer advertisements", "RUNNING", "ad-click", ("2", "3")),
    ("win-back", "growth", "A letter keeps one in twenty", "DRAFT", "churn", ("2", "3")),
)

_RISKY = {"payment-fraud", "account-takeover"}


def serving() -> Iterator[Item]:
    """Yield services, deployments, experiments, and links, such as that of the log to the table of impressions."""
    yield from _services()
    for name, version, serving_in, environment, share, status in _SERVING:
        ended = status == "RETIRED"
        yield {
            "deployment": {
                "id": deployment(name, version, environment),
                "displayName": f"{name} v{version} in {environment}",
                "modelVersion": model_version(name, version),
                "service": service(serving_in),
                "environment": environment,
                "status": status,
                "trafficShare": share,
                "visibility": "TEAM" if name in _RISKY else "ORG",
                "deployedAt": instant(7 * int(version) - 5),
                "sourceCreatedAt": instant(7 * int(version) - 5),
                **({"retiredAt": instant(7 * int(version) + 2)} if ended else {}),
            }
        }
    yield from _experiments()
    yield link("TESTED_IN", deployment("title-embedder", "2", "production"), cell("search-vectors", "treatment"))
    yield link("FEEDS", feature_set("profile-taste"), service("ranking-service"), origin="OBSERVED")
    yield link("PRODUCES", service("ranking-service"), table("served-rankings"), origin="OBSERVED")
    yield link("DERIVES", table("served-rankings"), table("impressions"), origin="OBSERVED", confidence=1.0)


def _services() -> Iterator[Item]:
    for name, group, tier, about, calls in _SERVICES:
        yield {
            "service": {
                "id": service(name),
                "displayName": name,
                "description": about,
                "owners": [*owned_by(group), {"owner": owned_by(group)[0]["owner"], "ownership": "ONCALL"}],
                "tags": [tag("tier-1")] if tier == 1 else [],
                "domain": domain("trust" if group == "risk" else "streaming"),
                "tier": tier,
                "endpoint": f"https://{name}.harbour.example",
                "oncall": f"#{group}-oncall",
                "calls": [service(one) for one in calls],
                "sourceCreatedAt": instant(-350),
            }
        }


def _experiments() -> Iterator[Item]:
    for name, group, hypothesis, state, model, versions in _EXPERIMENTS:
        body = {
            "id": experiment(name),
            "displayName": name,
            "owners": owned_by(group),
            "hypothesis": hypothesis,
            "state": state,
            "sourceCreatedAt": instant(15),
        }
        body |= {"startedAt": instant(16)} if state != "DRAFT" else {}
        yield {"experiment": body | ({"endedAt": instant(30)} if state == "STOPPED" else {})}
        for arm, version in zip(("control", "treatment"), versions, strict=True):
            yield {
                "experimentCell": {
                    "id": cell(name, arm),
                    "displayName": f"{name} {arm}",
                    "experiment": experiment(name),
                    "cell": arm,
                    "allocation": 0.5,
                    "subjects": [model_version(model, version)],
                    "sourceCreatedAt": instant(16),
                }
            }
    yield {
        "evaluation": {
            "id": evaluation("search-ranker", "3", "online"),
            "displayName": "search-ranker v3 online",
            "modelVersion": model_version("search-ranker", "3"),
            "evaluationKind": "ONLINE",
            "verdict": "PASS",
            "metrics": [{"name": "plays_per_search", "value": 0.312}],
            "evaluatedAt": instant(30),
            "sourceCreatedAt": instant(30),
        }
    }
