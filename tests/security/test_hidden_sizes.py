"""What is hidden in an asset leaves its size undisclosed: dry runs up to the limit are answered as without it."""

from typing import Any

import pytest
from support.estates.leak_catalogue import token
from support.estates.promotions import ADS, RANKING, codes, model, set_alias
from support.servers.in_process import Api

LONG = "v" * 300
"""A name of a version or a dataset, with which one id is longer than a value that does not count."""


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over two teams, with eli of both of them, and ada of team ranking."""
    api.tokens["eli"] = token(api, "eli", "ranking", "ads", roles="approver engineer")
    await api.load({"team": {"name": "ads"}}, {"team": {"name": "ranking"}})
    return api


async def answers_of(api: Api, key: str, item: dict[str, Any]) -> list[str]:
    """Return the answers to dry runs by ada that give the asset longer and longer descriptions, around the limit."""
    await api.load({key: {**item, "properties": [{"key": "more", "value": "x" * 49_000}]}})
    found = []
    for size in range(49_500, 51_500, 100):
        (result,) = (await api.register("ada", {key: {**item, "description": "d" * size}}, dryRun=True))["results"]
        answer = [result["outcome"], *(error["message"] for error in result["errors"])]
        found.append(str(answer).replace(item["id"], "<id>"))
    return found


def end_at_the_limit(answers: list[str]) -> bool:
    """Return whether the first answers accept a size, and all others refuse it as the size of a record."""
    accepted = answers.count("['UPDATED']")
    refused = [answer for answer in answers[accepted:] if "INVALID" in answer and "more than 100000 bytes" in answer]
    return 0 < accepted < len(answers) == accepted + len(refused)


async def visible(api: Api, urn: str) -> bool:
    """Return whether ada sees an asset."""
    return (await api.ask("ada", "query ($id: ID!) { asset(id: $id) { id } }", id=urn))["asset"] is not None


async def test_aliases_of_hidden_versions_leave_as_many_bytes(api: Api) -> None:
    """Ada gives a model descriptions of the same sizes, whether it has such aliases or none."""
    answers = []
    for name in ("with-hidden", "with-none"):
        await api.load({"model": {"id": model(name), "owners": [RANKING]}})
        for number in (f"{LONG}1", f"{LONG}2"):
            version = {
                "id": f"{model(name).replace('/model/', '/model-version/')}@{number}",
                "sensitivity": "RESTRICTED",
            }
            await api.load({"modelVersion": {**version, "owners": [ADS]}})
            assert not await visible(api, version["id"])
            if name == "with-hidden":
                assert codes(await set_alias(api, "eli", name, number, f"alias-of-{number[-1]}")) == []
        answers.append(await answers_of(api, "model", {"id": model(name)}))
    assert answers[0] == answers[1]
    assert end_at_the_limit(answers[0])


async def test_hidden_sources_of_columns_leave_as_many_bytes(api: Api) -> None:
    """Ada gives a dataset descriptions of the same sizes, whether a column has such sources or none."""
    hidden = [f"mlg://dataset/test/default/{LONG}{number}" for number in range(2)]
    answers = []
    for urn in hidden:
        await api.load({"dataset": {"id": urn, "owners": [ADS], "sensitivity": "RESTRICTED"}})
        assert not await visible(api, urn)
    for name, sources in (("with-hidden", hidden), ("with-none", [])):
        item = {"id": f"mlg://dataset/test/default/{name}"}
        columns = [{"name": "c", "derivedFrom": [{"dataset": urn, "column": "salary"} for urn in sources]}]
        await api.load({"dataset": {**item, "owners": [RANKING], "columns": columns}})
        answers.append(await answers_of(api, "dataset", item))
    assert answers[0] == answers[1]
    assert end_at_the_limit(answers[0])
