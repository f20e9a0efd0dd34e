"""Tags of assets as the API returns and sets them: how each was assigned, and from which visible source."""

from pathlib import Path

from support.servers.in_process import open_api
from support.stores.janusgraph import StoreGraph
from support.stores.writers import urn
from support.waiting import until

PAST = "query ($id: ID!, $at: DateTime!) { asset(id: $id, asOf: $at) { tags { mode via { id } } } }"
TAGS = "query ($id: ID!) { asset(id: $id) { tags { tag { id } mode via { id } since } } }"
SET = "mutation ($input: SetTagsInput!) { setTags(input: $input) { changed errors { message } } }"
RISK = "mlg://team/catalog/default/risk"


async def test_a_propagated_tag_names_its_source(graph: StoreGraph, tmp_path: Path) -> None:
    """A caller who sees the source of a propagated tag reads the source too, others read only the tag.

    If the source is removed, the tag is.
    """
    shut, open_ = urn("dataset shut"), urn("dataset open")
    async with open_api(graph, tmp_path) as api:
        pending = api.coordinator.outbox
        await api.load(
            {"tag": {"id": urn("tag pii"), "name": "pii", "tagKind": "PII", "propagates": True}},
            {"dataset": {"id": shut, "owners": [{"owner": RISK}], "visibility": "TEAM", "tags": [urn("tag pii")]}},
            {"dataset": {"id": open_, "derivedFrom": [shut]}},
        )
        await until(lambda: not pending.entries)
        for who, via in (("root", {"id": shut}), ("bo", None)):
            (found,) = (await api.ask(who, TAGS, id=open_))["asset"]["tags"]
            since = found.pop("since")
            assert (since is not None, found) == (
                True,
                {"tag": {"id": urn("tag pii")}, "mode": "PROPAGATED", "via": via},
            )
        done = await api.ask("root", SET, input={"asset": open_, "block": [urn("tag pii")]})
        assert done["setTags"] == {"changed": True, "errors": []}
        (found,) = (await api.ask("bo", TAGS, id=open_))["asset"]["tags"]
        assert (found["mode"], found["via"]) == ("BLOCKED", None)
        await api.ask("root", SET, input={"asset": open_, "remove": [urn("tag pii")]})
        await api.ask("root", SET, input={"asset": shut, "remove": [urn("tag pii")]})
        await until(lambda: not pending.entries)
        assert (await api.ask("bo", TAGS, id=open_))["asset"]["tags"] == []


async def test_a_propagated_tag_of_the_past_names_no_source(graph: StoreGraph, tmp_path: Path) -> None:
    """A tag that has ended is returned with ``asOf``; the source is not stored any longer, which was once INTERNAL."""
    source, target = urn("dataset source"), urn("dataset target")
    async with open_api(graph, tmp_path) as api:
        await api.load(
            {"tag": {"id": urn("tag pii"), "name": "pii", "tagKind": "PII", "propagates": True}},
            {"dataset": {"id": source, "tags": [urn("tag pii")]}},
            {"dataset": {"id": target, "derivedFrom": [source]}},
        )
        await api.wait_for_jobs()
        (found,) = (await api.ask("root", TAGS, id=target))["asset"]["tags"]
        assert found["via"] == {"id": source}
        await api.ask("root", SET, input={"asset": source, "remove": [urn("tag pii")]})
        await api.wait_for_jobs()
        assert (await api.ask("root", TAGS, id=target))["asset"]["tags"] == []
        past = await api.ask("root", PAST, id=target, at=found["since"])
        assert past["asset"]["tags"] == [{"mode": "PROPAGATED", "via": None}]
