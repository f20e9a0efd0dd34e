"""The access log records denials and reads of restricted fields, without values.

If it cannot be written, reads fail.
"""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

TEAM = "mlg://team/catalog/default/ranking"
HIDDEN = "mlg://dataset/test/default/hidden"
MODEL = "mlg://model/test/default/ranker"
VERSION = "mlg://model-version/test/default/ranker@1"
URI = "s3://canary-51c0/weights"
ITEMS: list[dict[str, Any]] = [
    {"team": {"name": "ranking"}},
    {"team": {"name": "ads"}},
    {"dataset": {"id": HIDDEN, "owners": [{"owner": TEAM}], "visibility": "TEAM"}},
    {"model": {"id": MODEL, "owners": [{"owner": TEAM}]}},
    {"modelVersion": {"id": VERSION, "artifactUri": URI, "framework": "torch"}},
]
FIELDS = f'{{ a: asset(id: "{VERSION}") {{ id ... on ModelVersion {{ framework artifactUri }} }} }}'


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over a model version with a restricted field, and a hidden dataset."""
    await api.load(*ITEMS)
    return api


async def lines(api: Api, who: str, query: str, **variables: Any) -> list[dict[str, Any]]:
    """Return the lines that one request adds to the log."""
    path = api.process.settings.data_dir / "access.jsonl"
    before = path.read_text() if path.exists() else ""
    await api.send(who, query, **variables)
    after = path.read_text() if path.exists() else ""
    assert after.startswith(before)
    assert URI not in after
    return [json.loads(line) for line in after.removeprefix(before).splitlines()]


async def test_reading_a_restricted_field_is_logged(api: Api) -> None:
    """A disclosed restricted field is logged with caller, coordinate, asset and policy."""
    (line,) = await lines(api, "ada", FIELDS)
    assert (line["event"], line["subject"], line["tenant"]) == ("read", "ada", "default")
    assert (line["coordinate"], line["label"], line["ids"]) == ("ModelVersion.artifactUri", "restricted", [VERSION])
    assert line["policyVersion"] == api.process.policy.version
    assert line["requestId"]
    assert line["time"]


async def test_a_denied_field_is_logged_with_the_permitting_policies(api: Api) -> None:
    """A denied restricted field is logged with its coordinate, the count, and the policies that would permit it."""
    (line,) = await lines(api, "bo", FIELDS)
    assert (line["event"], line["coordinate"], line["count"]) == ("denied", "ModelVersion.artifactUri", 1)
    assert "fields-restricted-team" in line["needs"]


async def test_a_request_for_a_hidden_id_is_logged(api: Api) -> None:
    """A request for a hidden id is logged and one for an unknown id is not, because the caller may be guessing ids."""
    query = "query ($id: ID!) { asset(id: $id) { id } }"
    (line,) = await lines(api, "bo", query, id=HIDDEN)
    assert (line["event"], line["ids"]) == ("hidden", [HIDDEN])
    assert await lines(api, "bo", query, id=HIDDEN + "-unknown") == []


async def test_an_asset_that_did_not_exist_yet_is_not_logged(api: Api) -> None:
    """At an instant before an asset existed, only the request for a hidden one is logged."""
    query = 'query ($id: ID!) { asset(id: $id, asOf: "2001-01-01T00:00:00Z") { id } }'
    assert (await api.ask("bo", query, id=MODEL))["asset"] is None
    assert await lines(api, "bo", query, id=MODEL) == []
    (line,) = await lines(api, "bo", query, id=HIDDEN)
    assert (line["event"], line["ids"]) == ("hidden", [HIDDEN])


async def test_a_denied_write_is_logged(api: Api) -> None:
    """A write that the policy denies is logged with action, asset and reason."""
    mutation = "mutation ($input: RegisterAssetsInput!) { registerAssets(input: $input) { failed } }"
    (line,) = await lines(api, "bo", mutation, input={"items": [{"model": {"id": MODEL, "task": "x"}}]})
    assert (line["event"], line["action"], line["subject"]) == ("refused", "graph:write", "bo")
    other = {"model": {"id": MODEL, "owners": [{"owner": "mlg://team/catalog/default/ads"}]}}
    (line,) = await lines(api, "ada", mutation, input={"items": [other]})
    assert (line["event"], line["action"], line["ids"]) == ("refused", "register", [MODEL])


async def test_reads_of_open_fields_are_not_logged(api: Api) -> None:
    """Reads of fields open to the caller add no line."""
    assert await lines(api, "bo", f'{{ asset(id: "{VERSION}") {{ ... on ModelVersion {{ framework }} }} }}') == []


async def test_only_the_owner_may_read_the_log(api: Api) -> None:
    """Only the user of the process may read the log file."""
    await lines(api, "ada", FIELDS)
    mode = (api.process.settings.data_dir / "access.jsonl").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


async def test_restricted_reads_fail_without_a_log(module_graph: StoreGraph, tmp_path: Path) -> None:
    """A response with restricted fields fails if the log is not writable; a response without them succeeds."""
    folder = tmp_path / "log"
    folder.mkdir()  # which cannot be appended to
    async with open_api(module_graph, tmp_path / "keys", MLG_ACCESS_LOG=str(folder)) as api:
        body = await api.send("ada", FIELDS)
        assert body["errors"][0]["extensions"]["code"] == "ACCESS_LOG_UNAVAILABLE"
        assert "data" not in body
        assert URI not in str(body)
        open_field = await api.ask("ada", f'{{ asset(id: "{VERSION}") {{ id }} }}')
        assert open_field == {"asset": {"id": VERSION}}
