"""The filter `contaminated`: exact, or an error that says what to do.

Random estates are compared in tests/integration/app/graph/reading/lineage/test_contamination_walk.py.
"""

import pytest
from support.estates.owned_items import owned, urn
from support.servers.in_process import Api

from app.graph.reading.lineage.walk_budget import WalkLimits

RAW, TRAIN, TEST, OTHER = (urn("dataset", name) for name in ("raw", "train", "test", "other"))
DIRECT, DERIVED, CLEAN = (urn("evaluation", name) for name in ("direct", "derived", "clean"))


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over a version that was trained on a part of a table, and three evaluations of it."""
    version = urn("model-version", "ranker@1")
    await api.load(
        owned("dataset", "train", derivedFrom=[RAW]),
        owned("dataset", "test", derivedFrom=[RAW]),
        owned("model-version", "ranker@1", trainedOn=[TRAIN]),
        *(
            owned("evaluation", name, modelVersion=version, evaluatedOn=[data])
            for name, data in (("direct", TRAIN), ("derived", TEST), ("clean", OTHER))
        ),
    )
    return api


async def test_a_filter_that_cannot_examine_all_evaluations_is_an_error(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The filter lists what it can decide exactly; above its limit or a budget the error says what to do."""
    query = "query ($where: AssetFilter!) { assets(filter: $where) { nodes { id } } }"
    where = {"contaminated": True, "namespace": {"eq": "default"}, "ids": [DERIVED, DIRECT, CLEAN, TRAIN]}
    found = (await api.ask("ada", query, where=where))["assets"]["nodes"]
    assert [each["id"] for each in found] == [DERIVED, DIRECT]
    monkeypatch.setattr("app.graph.reading.computed.contaminated_evaluations.MAX_EXAMINED", 2)
    (error,) = (await api.send("ada", query, where=where))["errors"]
    assert (error["extensions"]["code"], error["extensions"]["limit"]) == ("LIMIT_EXCEEDED", 2)
    assert "narrow the filter" in error["message"]
    found = (await api.ask("ada", query, where={**where, "ids": [DERIVED, TRAIN]}))["assets"]["nodes"]
    assert [each["id"] for each in found] == [DERIVED]
    monkeypatch.setattr(api.contexts, "walk_limits", WalkLimits(edges=3))
    (error,) = (await api.send("ada", query, where={**where, "ids": [DERIVED]}))["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert "budget EDGES" in error["message"]
