"""Documents of change plans, and their payloads."""

from typing import Any

from support.servers.in_process import Api

_PLAN = """plan { id title description state: status { state } outcome roots { id } }
  changed errors { code message inputPath }"""
PLAN = f"mutation ($input: PlanChangeInput!) {{ planChange(input: $input) {{ {_PLAN} }} }}"
ACKNOWLEDGE = f"mutation ($input: AcknowledgeChangeInput!) {{ acknowledgeChange(input: $input) {{ {_PLAN} }} }}"
CLOSE = f"mutation ($input: CloseChangePlanInput!) {{ closeChangePlan(input: $input) {{ {_PLAN} }} }}"
STATUS = """query ($id: ID!) { changePlan(id: $id) { roots { id } impact { total } impactNow { total }
  status { state waiting complete added removed
    teams { team { id } reasons isNew acknowledgement { decision reason by } } } } }"""


async def planned(api: Api, who: str, *roots: str, **given: Any) -> str:
    """Plan a change and return the id of the plan."""
    known = {"roots": list(roots), "title": "Move it"}
    payload = (await api.ask(who, PLAN, input={**known, **given}))["planChange"]
    assert payload["errors"] == []
    return str(payload["plan"]["id"])


async def acknowledged(api: Api, who: str, plan: str, team: str, decision: str = "AGREED", **given: Any) -> Any:
    """Decision a plan for a team, and return the payload."""
    known = {"plan": plan, "team": team, "decision": decision}
    return (await api.ask(who, ACKNOWLEDGE, input={**known, **given}))["acknowledgeChange"]


async def closed(api: Api, who: str, plan: str, outcome: str = "DONE", **given: Any) -> Any:
    """Close a plan, and return the payload."""
    return (await api.ask(who, CLOSE, input={"plan": plan, "outcome": outcome, **given}))["closeChangePlan"]


async def status(api: Api, who: str, plan: str) -> Any:
    """Return a plan with its status, None if it is not visible."""
    return (await api.ask(who, STATUS, id=plan))["changePlan"]
