"""A response that read the index says when the index lacks confirmed writes, and the readiness says so too."""

import pytest
from support.estates.owned_items import owned, urn
from support.servers.in_process import Api

from app.graph.commits import index_state
from app.graph.driver.errors import StoreUnavailableError
from app.store.errors import StoreReason

BY_INDEX = {
    "list": "{ assets(first: 1) { nodes { id } } }",
    "search": '{ search(text: "lag", first: 1) { hits { nodes { asset { id } } } } }',
    "changes": "{ changes(first: 1) { nodes { at } } }",
}
BY_ID = "query ($id: ID!) { asset(id: $id) { id } }"
INCOMPLETE = {"complete": False}


async def test_responses_from_a_lagging_index_are_marked(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists, searches and changes have `extensions.index` while the index lags; reads by id never, and none after."""
    dataset = urn("dataset", "lag")
    await api.load(owned("dataset", "lag"))
    state = api.coordinator.index_state

    async def marked() -> dict[str, object]:
        found = {name: await api.send("ada", query) for name, query in BY_INDEX.items()}
        found["id"] = await api.send("ada", BY_ID, id=dataset)
        assert [name for name, body in found.items() if "errors" in body] == []
        return {
            name: body["extensions"]["index"] for name, body in found.items() if "index" in body.get("extensions", {})
        }

    assert await marked() == {}
    monkeypatch.setattr(index_state, "LAG_SECONDS", 0.0)
    state.has(4)
    state.learned(5)
    assert await marked() == dict.fromkeys(BY_INDEX, INCOMPLETE)
    with pytest.raises(StoreUnavailableError) as caught:
        await api.process.opened.readiness.check()
    assert caught.value.reason is StoreReason.INDEX
    state.has(5)
    assert await marked() == {}
    api.process.opened.readiness.forget()
    await api.process.opened.readiness.check()
