"""Attacks by another team's engineer on the run of an event whose job has an owner."""

from typing import Any

import pytest
from support.estates.leak_catalogue import token
from support.estates.promotions import ERRORS, RANKING, codes
from support.servers.in_process import Api

OWN = "mlg://dataset/test/default/of-mal"
APPROVER = "mlg://user/catalog/default/eli"
LINK = f"mutation ($input: LinkInput!) {{ done: link(input: $input) {{ {ERRORS} }} }}"
RUN = "query ($id: ID!) { asset(id: $id) { ownerTeam { name } ... on Run { state error workflow { id } } } }"
EVENT: dict[str, Any] = {
    "eventType": "FAIL",
    "eventTime": "2026-11-24T03:00:00Z",
    "job": {"namespace": "shop", "name": "daily"},
    "outputs": [{"namespace": "postgres://db", "name": "shop.daily"}],
}
FAILURE = {"errorMessage": {"message": "secret of ranking", "programmingLanguage": "Python"}}


async def sent(api: Api, number: int, who: str = "ci-ranking", status: int = 201, **more: Any) -> str:
    """Send an event of a run with a number, which gets the status, and return the id of the run."""
    run_id = f"00000000-0000-4000-8000-{number:012}"
    event = {**EVENT, "run": {"runId": run_id, "facets": FAILURE}, **more}
    headers = {"Authorization": f"Bearer {api.tokens[who]}"}
    response = await api.http.post("/api/v1/lineage", json=event, headers=headers)
    assert response.status_code == status, response.text
    return f"mlg://run/openlineage/default/{run_id}"


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API with a workflow of ranking that an event described first, and mal, an engineer of team ads."""
    api.tokens["mal"] = token(api, "mal", "ads", roles="engineer")
    await api.load({"user": {"name": "eli"}})
    first = await sent(api, 0)
    (workflow,) = [(await api.ask("ada", RUN, id=first))["asset"]["workflow"]["id"]]
    await api.load({"workflow": {"id": workflow, "owners": [RANKING]}})
    await api.register("mal", {"dataset": {"id": OWN}})
    return api


async def test_a_run_has_the_owner_of_its_job(api: Api) -> None:
    """The robot of ranking gives its run to ranking, which goes on reporting it, and whose secrets mal cannot read."""
    run = await sent(api, 1, eventType="RUNNING")
    await sent(api, 1)
    shown = {who: (await api.ask(who, RUN, id=run))["asset"] for who in ("ada", "mal")}
    assert [each["ownerTeam"] for each in shown.values()] == [{"name": "ranking"}] * 2
    assert (shown["ada"]["state"], shown["ada"]["error"], shown["mal"]["error"]) == ("FAIL", "secret of ranking", None)


async def test_no_stranger_changes_the_run_of_an_owned_workflow(api: Api) -> None:
    """Mal links no input to it, names no user as its starter, and reports nothing about it."""
    run = await sent(api, 2)
    for relation, source, target in ("INPUT_TO", OWN, run), ("STARTED_BY", run, APPROVER):
        payload = await api.ask("mal", LINK, input={"relation": relation, "from": source, "to": target})
        assert codes(payload["done"]) == ["DENIED"]
    (result,) = (await api.register("mal", {"run": {"id": run, "state": "COMPLETE"}}))["results"]
    assert codes(result) == ["DENIED"]
    await sent(api, 2, "mal", 403, eventType="COMPLETE", eventTime="2026-11-25T03:00:00Z")
    assert (await api.ask("ada", RUN, id=run))["asset"]["state"] == "FAIL"


async def test_no_stranger_records_a_run_of_an_owned_workflow(api: Api) -> None:
    """The run of an event by mal has neither the workflow nor its owner."""
    run = await sent(api, 3, "mal")
    shown = (await api.ask("mal", RUN, id=run))["asset"]
    assert (shown["ownerTeam"], shown["workflow"]) == (None, None)
