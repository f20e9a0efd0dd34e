"""A load page by page: what has not changed is left out, and nothing counts as done before all of it was accepted."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import orjson

from app.ingest.load.api_client import ApiClient
from app.ingest.load.batches import ItemResult
from app.ingest.load.import_state import ImportState
from app.ingest.load.incremental_load import IncrementalLoad, Page
from app.ingest.load.source_asset import AliasTarget, SourceAsset


def asset(name: str, *, deleted: bool = False, basis: Any = None, part: str = "") -> SourceAsset:
    """Return an asset with an own name, and with a part if it has a name."""
    parts = ({"dataset": {"id": part}},) if part else ()
    return SourceAsset(f"run {name}", name, {"run": {"id": name}}, parts, deleted=deleted, basis=basis)


CHAMPION, OLD = "models:/m@champion", "models:/m@old"
ALIAS = AliasTarget("model", "champion", "model@1", CHAMPION)


@dataclass
class PlainSource:
    """A source of pages; ``gone`` are ids that it no longer has, ``read`` those whose values were completed."""

    content: list[Page]
    gone: set[str] = field(default_factory=set)
    read: list[str] = field(default_factory=list)
    with_aliases: bool = True

    def pages(self) -> Iterator[Page]:
        """Yield the pages."""
        yield from self.content

    def completed(self, asset: SourceAsset) -> SourceAsset:
        """Return the asset with a further value."""
        self.read.append(asset.id)
        return asset.with_values(error="completed")

    def has(self, _kind: str, foreign_id: str) -> bool:
        """Return whether the id is not gone."""
        return foreign_id not in self.gone


@dataclass
class PlainApi:
    """An API that accepts all but the ids that it refuses, with a code, and records what it was sent."""

    refused: set[str] = field(default_factory=set)
    code: str = "DENIED"
    items: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)

    async def respond(self, request: httpx2.Request) -> httpx2.Response:
        """Respond to a registration or another mutation."""
        body = orjson.loads(request.content)
        given = body["variables"]["input"]
        error = [{"code": self.code, "message": "no", "inputPath": []}]
        if "items" in given:
            bodies = [next(iter(item.values())) for item in given["items"]]
            self.items += bodies
            results = [
                {"outcome": "DENIED", "errors": error}
                if each["id"] in self.refused
                else {"outcome": "CREATED", "errors": []}
                for each in bodies
            ]
            return httpx2.Response(200, json={"data": {"registerAssets": {"results": results}}})
        self.calls.append(given)
        refused = given.get("alias") in self.refused or given.get("asset") in self.refused
        payload = {"changed": not refused, "errors": error if refused else []}
        return httpx2.Response(200, json={"data": dict.fromkeys(("setAlias", "removeAlias", "setStage"), payload)})


async def kept_aliases(api: PlainApi, source: PlainSource, file: Path) -> int:
    """Load a source, and return the number of kept aliases."""
    client = ApiClient("http://test", "token", transport=httpx2.MockTransport(api.respond))
    with ImportState(file, "s", "t") as state:
        loading = IncrementalLoad(client, source, state)
        assert [each async for each in loading.results()]
        return loading.kept_aliases


async def load(api: PlainApi, source: PlainSource, file: Path, *, retire: bool = False) -> list[ItemResult]:
    """Load a source with the state in a file, and return the results."""
    client = ApiClient("http://test", "token", transport=httpx2.MockTransport(api.respond))
    with ImportState(file, "s", "t") as state:
        loading = IncrementalLoad(client, source, state, retire=retire)
        return [each async for results in loading.results() for each in results]


def outcomes(results: list[ItemResult]) -> dict[str, str]:
    """Return the outcomes by location."""
    return {each.location: each.outcome for each in results}


async def test_an_asset_that_has_not_changed_is_left_out(tmp_path: Path) -> None:
    """The second load sends what changed alone, and reads expensive values for that alone."""
    api, file = PlainApi(), tmp_path / "state"
    await load(api, PlainSource([[asset("a"), asset("b", basis=1)], [ALIAS]]), file)
    assert [each["id"] for each in api.items] == ["a", "b"]
    assert {each["error"] for each in api.items} == {"completed"}
    api.items.clear()
    source = PlainSource([[asset("a"), asset("b", basis=2)], [ALIAS]])
    assert outcomes(await load(api, source, file)) == {
        "run a": "UNCHANGED",
        "run b": "CREATED",
        "champion of model": "UNCHANGED",
    }
    assert ([each["id"] for each in api.items], source.read, len(api.calls)) == (["b"], ["b"], 1)


async def test_an_asset_with_a_rejected_part_is_sent_again(tmp_path: Path) -> None:
    """Parts come before the asset; a rejected part or asset is reported each time, until it is accepted."""
    api, file = PlainApi(refused={"part", "c"}), tmp_path / "state"
    source = PlainSource([[asset("a", part="part"), asset("b", part="other"), asset("c")]])
    first = outcomes(await load(api, source, file))
    assert [each["id"] for each in api.items] == ["part", "other", "a", "b", "c"]
    assert (first["run a, dataset 0"], first["run a"], first["run c"]) == ("DENIED", "CREATED", "DENIED")
    api.items.clear()
    assert outcomes(await load(api, source, file)) == {
        "run b": "UNCHANGED",
        "run a, dataset 0": "DENIED",
        "run a": "CREATED",
        "run c": "DENIED",
    }
    api.refused.clear()
    await load(api, source, file)
    api.items.clear()
    assert set(outcomes(await load(api, source, file)).values()) == {"UNCHANGED"}
    assert api.items == []


async def test_a_part_of_two_assets_is_sent_once(tmp_path: Path) -> None:
    """Equal parts of a page are one item, and both assets wait for it."""
    api = PlainApi(refused={"part"})
    source = PlainSource([[asset("a", part="part"), asset("b", part="part")]])
    await load(api, source, tmp_path / "state")
    assert [each["id"] for each in api.items] == ["part", "a", "b"]
    await load(api, source, tmp_path / "state")
    assert [each["id"] for each in api.items] == ["part", "a", "b"] * 2


async def test_only_an_import_that_retires_sets_stages(tmp_path: Path) -> None:
    """Deleted assets are RETIRED on request, and ACTIVE again when the source restores them; else no stage is given."""
    api, file = PlainApi(), tmp_path / "state"
    deleted, restored = PlainSource([[asset("a", deleted=True)]]), PlainSource([[asset("a")]])
    for source, retire in ((deleted, False), (deleted, True), (restored, False), (restored, True), (restored, True)):
        await load(api, source, file, retire=retire)
    assert [each.get("stage") for each in api.items] == [None, "RETIRED", None, "ACTIVE", None]


async def test_what_the_source_no_longer_has_is_retired(tmp_path: Path) -> None:
    """An asset of an earlier import is retired once, if the source says that it is gone; aliases remain."""
    api, file = PlainApi(), tmp_path / "state"
    await load(api, PlainSource([[asset("a"), asset("b"), asset("c")], [ALIAS]]), file)
    less = PlainSource([[asset("c")]], gone={"a"})
    assert outcomes(await load(api, less, file)) == {"run c": "UNCHANGED"}
    api.calls.clear()
    assert outcomes(await load(api, less, file, retire=True)) == {"run c": "UNCHANGED", "a (a)": "UPDATED"}
    assert outcomes(await load(api, less, file, retire=True)) == {"run c": "UNCHANGED"}
    assert [(each["asset"], each["stage"]) for each in api.calls] == [("a", "RETIRED")]
    await load(api, PlainSource([[asset("a")]]), file, retire=True)
    assert api.items[-1] == {"id": "a", "stage": "ACTIVE", "error": "completed"}


async def test_a_refused_alias_or_stage_is_reported(tmp_path: Path) -> None:
    """The code is the outcome, and the next import tries again."""
    api, file = PlainApi(refused={"champion", "a"}), tmp_path / "state"
    await load(api, PlainSource([[asset("b")], [ALIAS]]), file)
    api.refused = {"champion", "b"}
    found = await load(api, PlainSource([[ALIAS]], gone={"b"}), file, retire=True)
    assert outcomes(found) == {"champion of model": "DENIED", "b (b)": "DENIED"}
    assert found[0].reasons == ("DENIED: no",)
    api.refused.clear()
    assert outcomes(await load(api, PlainSource([[ALIAS]], gone={"b"}), file, retire=True)) == {
        "champion of model": "CREATED",
        "b (b)": "UPDATED",
    }


async def test_only_aliases_that_the_source_no_longer_has_are_kept(tmp_path: Path) -> None:
    """An alias whose move is refused is none of them, and neither is one that is not read, or was on no page."""
    api, file = PlainApi(), tmp_path / "state"
    old = AliasTarget("model", "old", "model@1", OLD)
    assert await kept_aliases(api, PlainSource([[ALIAS, old]]), file) == 0
    api.refused = {"champion"}
    moved = AliasTarget("model", "champion", "model@2", CHAMPION)
    assert await kept_aliases(api, PlainSource([[moved]], gone={OLD}), file) == 1
    assert await kept_aliases(api, PlainSource([[asset("a")]], gone={OLD, CHAMPION}), file) == 2
    assert await kept_aliases(api, PlainSource([[asset("a")]], gone={OLD}), file) == 1
    assert await kept_aliases(api, PlainSource([[asset("a")]], gone={OLD, CHAMPION}, with_aliases=False), file) == 0


async def test_what_the_source_no_longer_has_as_alias_is_removed_on_request(tmp_path: Path) -> None:
    """The call has the version that the import has set, and that it set it; each alias is removed once."""
    api, file = PlainApi(), tmp_path / "state"
    await load(api, PlainSource([[ALIAS, AliasTarget("model", "old", "model@1", OLD)]]), file)
    api.calls.clear()
    less = PlainSource([[ALIAS]], gone={OLD})
    assert outcomes(await load(api, less, file)) == {"champion of model": "UNCHANGED"}
    found = outcomes(await load(api, less, file, retire=True))
    assert found == {"champion of model": "UNCHANGED", "end of old of model": "UPDATED"}
    given = {"model": "model", "alias": "old", "expectedVersion": "model@1", "setByMe": True}
    assert api.calls == [{**given, "reason": "The source no longer has it."}]
    assert outcomes(await load(api, less, file, retire=True)) == {"champion of model": "UNCHANGED"}


async def test_an_alias_that_others_changed_is_kept(tmp_path: Path) -> None:
    """A conflict keeps it without a failure; a refusal is reported, and tried again by the next import."""
    api, file = PlainApi(), tmp_path / "state"
    await load(api, PlainSource([[ALIAS]]), file)
    api.refused, api.code, none = {"champion"}, "CONFLICT", PlainSource([], gone={CHAMPION})
    assert await load(api, none, file, retire=True) == []
    api.code = "DENIED"
    assert outcomes(await load(api, none, file, retire=True)) == {"end of champion of model": "DENIED"}
    api.refused.clear()
    assert outcomes(await load(api, none, file, retire=True)) == {"end of champion of model": "UPDATED"}
