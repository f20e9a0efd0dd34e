"""Models with versions to promote, and the calls that promote them, for tests of aliases, approvals and gates."""

from typing import Any

from support.servers.in_process import Api

RANKING = {"owner": "mlg://team/catalog/default/ranking"}
ADS = {"owner": "mlg://team/catalog/default/ads"}
ERRORS = "errors { code message inputPath currentRevision }"
REPORT = """open missingApprovals failingEvaluations { id } blockingIncidents { id severity }
  sensitivityViolations repeatedApprovers reportedEvaluations { id } contaminatedEvaluations { id }"""
SET = f"""mutation ($input: SetAliasInput!) {{ setAlias(input: $input) {{
  alias {{ name version {{ id }} protected setBy }} changed gate {{ {REPORT} }} {ERRORS} }} }}"""
APPROVE = f"""mutation ($input: ApproveInput!) {{ approve(input: $input) {{
  approval {{ id gate decision reason decidedBySubject decidedBy {{ name }} decidedAt expiresAt subject {{ id }} }}
  {ERRORS} }} }}"""
MODEL = """query ($id: ID!, $alias: String) { asset(id: $id) { revision ... on Model {
  aliases { name version { id } protected setBy } version(alias: $alias) { id } } } }"""
VERSION = f"""query ($id: ID!, $alias: String!) {{ asset(id: $id) {{ revision ... on ModelVersion {{
  aliases gate(alias: $alias) {{ {REPORT} }}
  approvals {{ totalCount nodes {{ gate decision reason decidedBySubject }} }} }} }} }}"""
HISTORY = """query ($id: ID!) { asset(id: $id) { history(first: 50) { nodes {
  id at action actor reason fields { field alias before after } } } } }"""


def model(name: str) -> str:
    """Return the id of a model."""
    return f"mlg://model/test/default/{name}"


def version(name: str, number: int | str = 1) -> str:
    """Return the id of a version of a model."""
    return f"mlg://model-version/test/default/{name}@{number}"


async def register(api: Api, name: str, *numbers: int, **values: Any) -> None:
    """Register a model of team ranking with the values, and versions of it."""
    await api.load(
        {"model": {"id": model(name), "owners": [RANKING], **values}},
        *({"modelVersion": {"id": version(name, number), "framework": "xgboost"}} for number in numbers or (1, 2)),
    )


async def set_alias(api: Api, who: str, name: str, number: int | str = 1, alias: str = "champion", **more: Any) -> Any:
    """Point an alias of a model at one of its versions, and return the payload."""
    given = {"model": model(name), "version": version(name, number), "alias": alias, **more}
    return (await api.ask(who, SET, input=given))["setAlias"]


async def approve(api: Api, who: str, subject: str, gate: str = "release", **more: Any) -> Any:
    """Decide on an asset, by default approve it, and return the payload."""
    given = {"subject": subject, "gate": gate, "decision": "APPROVED", **more}
    return (await api.ask(who, APPROVE, input=given))["approve"]


async def aliases(api: Api, who: str, name: str, alias: str = "champion") -> Any:
    """Return the aliases of a model visible to a caller, and the version that one of them points at."""
    return (await api.ask(who, MODEL, id=model(name), alias=alias))["asset"]


async def served(api: Api, who: str, name: str, instant: str, alias: str = "champion") -> str | None:
    """Return the id of the version that an alias pointed at at an instant, None without a visible one."""
    query = """query ($id: ID!, $a: String, $t: DateTime) { asset(id: $id) { ... on Model {
      version(alias: $a, asOf: $t) { id } } } }"""
    found = (await api.ask(who, query, id=model(name), a=alias, t=instant))["asset"]["version"]
    return found and str(found["id"])


async def of_version(api: Api, who: str, name: str, number: int = 1, alias: str = "champion") -> Any:
    """Return the aliases, the gate and the approvals of a version as a caller sees them."""
    return (await api.ask(who, VERSION, id=version(name, number), alias=alias))["asset"]


async def history(api: Api, who: str, urn: str) -> Any:
    """Return the changes of an asset, the newest first."""
    return (await api.ask(who, HISTORY, id=urn))["asset"]["history"]["nodes"]


async def revert(api: Api, who: str, change: str) -> Any:
    """Revert a change, and return the payload."""
    mutation = f"mutation ($input: RevertChangeInput!) {{ revertChange(input: $input) {{ changed {ERRORS} }} }}"
    return (await api.ask(who, mutation, input={"change": change}))["revertChange"]


def codes(payload: Any) -> list[str]:
    """Return the codes of the errors of a payload."""
    return [error["code"] for error in payload["errors"]]
