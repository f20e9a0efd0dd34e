"""Uses of a version that strangers made and an administrator ended block neither its aliases nor its content."""

from datetime import UTC, datetime
from typing import Any

import pytest
from support.estates.leak_catalogue import token
from support.estates.promotions import codes, register, set_alias, version
from support.servers.in_process import Api, observes_one_process

from app.graph.commits.reads import read_limits

COUNT = 30


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API with eva, an engineer of team ads."""
    api.tokens["eva"] = token(api, "eva", "ads", roles="engineer")
    return api


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an item depend on few records and edges."""
    monkeypatch.setattr(read_limits, "FEW_ELEMENTS", 20)
    monkeypatch.setattr(read_limits, "MAX_AHEAD", 40)


def links(relation: str, of: str, ids: list[str], **values: Any) -> list[dict[str, Any]]:
    """Return items that link a version to assets."""
    return [{"link": {"relation": relation, "from": of, "to": each, **values}} for each in ids]


@observes_one_process
@pytest.mark.parametrize("relation", ["EVALUATED_BY", "DEPLOYED_AS"])
async def test_an_administrator_ends_what_blocks_a_version(api: Api, relation: str) -> None:
    """With them, the item depends on too much; without them, ended edges are not read."""
    name, kind = (
        relation.lower().replace("_", "-"),
        {"EVALUATED_BY": "evaluation", "DEPLOYED_AS": "deployment"}[relation],
    )
    await register(api, name, 1)
    ids = [f"mlg://{kind}/test/default/{name}-{number}" for number in range(COUNT)]
    for start in range(0, COUNT, 5):
        assert (await api.register("eva", *links(relation, version(name), ids[start : start + 5])))["failed"] == 0

    async def use() -> list[str]:
        if relation == "EVALUATED_BY":
            return codes(await set_alias(api, "eli", name))
        (result,) = (await api.register("ada", {"modelVersion": {"id": version(name), "framework": "b"}}))["results"]
        return codes(result)

    assert await use() == ["LIMIT_EXCEEDED"]
    now = datetime.now(UTC).isoformat()
    for start in range(0, COUNT, 5):
        ended = links(relation, version(name), ids[start : start + 5], validTo=now)
        assert (await api.register("root", *ended))["failed"] == 0
    assert await use() == []
