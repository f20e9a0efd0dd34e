"""An unconfirmed edge has no effect on the hidden asset that it would change, also if it begins in the future."""

from typing import Any

import pytest
from support.servers.in_process import Api

ADS = {"owner": "mlg://team/catalog/default/ads"}
RANKING = {"owner": "mlg://team/catalog/default/ranking"}
PII = "mlg://tag/catalog/default/pii"
LATER = "2999-01-01T00:00:00Z"
STATE = "query ($id: ID!) { asset(id: $id) { sensitivity tags { mode } } }"


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over two teams and a tag that propagates."""
    tag = {"tag": {"name": "pii", "tagKind": "PII", "propagates": True}}
    await api.load({"team": {"name": "ads"}}, {"team": {"name": "ranking"}}, tag)
    return api


CASES = [
    ("PRODUCES", "run", "mlg://run/test/default/{}", "dataset", "mlg://dataset/test/default/{}"),
    ("CONTAINS", "featureSet", "mlg://feature-set/test/default/{}", "feature", "mlg://feature/test/default/{}"),
]


@pytest.mark.parametrize("case", CASES, ids=[case[0].lower() for case in CASES])
@pytest.mark.parametrize("begin", [{}, {"validFrom": LATER}], ids=["now", "later"])
async def test_nothing_propagates_over_an_unconfirmed_edge(
    api: Api, case: tuple[str, ...], begin: dict[str, str]
) -> None:
    """A link to a hidden asset raises neither its sensitivity nor its tags, whatever its declarer does to the source.

    With a begin in the future, both once followed the link until that begin. A link of a set has no such begin.
    """
    relation, near, source, far, target = case
    own, hidden = (urn.format(f"{relation}-{len(begin)}".lower()) for urn in (source, target))
    await api.load({far: {"id": hidden, "owners": [ADS], "visibility": "TEAM"}})
    state: dict[str, Any] = {"state": "COMPLETE"} if near == "run" else {}
    await api.load({near: {"id": own, "owners": [RANKING], **state}})
    link = {"link": {"relation": relation, "from": own, "to": hidden, **begin}}
    raised = {near: {"id": own, "sensitivity": "RESTRICTED", "tags": [PII]}}
    linked = "INVALID" if begin and relation == "CONTAINS" else "CREATED"
    for item, outcome in ((link, linked), (raised, "UPDATED")):
        (result,) = (await api.register("ada", item))["results"]
        assert result["outcome"] == outcome
    await api.wait_for_jobs()
    expected = {"sensitivity": "INTERNAL", "tags": []}
    assert (await api.ask("root", STATE, id=hidden))["asset"] == expected
    for declared in ("CONFIDENTIAL", "INTERNAL"):  # to lower it, the job reads all that arrives
        await api.load({far: {"id": hidden, "sensitivity": declared}})
    await api.wait_for_jobs()
    assert (await api.ask("root", STATE, id=hidden))["asset"] == expected
