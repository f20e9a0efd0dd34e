"""What the API returns to a caller, as the tests of the explorer compare it with what its pages show."""

import zlib
from struct import unpack
from typing import Any

from support.documents.explorer_questions import (
    APPROVALS,
    BOARD_KINDS,
    FOUND,
    IDLE,
    IDLE_KINDS,
    IMPACT,
    LINEAGE,
    UNHEALTHY,
)
from support.servers.in_process import Api


def pixels(png: bytes) -> bytes:
    """Return the decompressed rows of a PNG, which has its data in IDAT chunks."""
    found, at = b"", 8
    while at < len(png):
        length, kind = unpack(">I4s", png[at : at + 8])
        found += png[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    return zlib.decompress(found)


def name_of(difference: dict[str, Any]) -> str:
    """Return the name of a difference: of the asset whose versions changed, else of the only asset."""
    if difference["change"] == "CHANGED":
        return str(difference["key"].rsplit("/", 1)[1])
    return str([*difference["after"], *difference["before"]][0]["displayName"])


async def lineage(api: Api, who: str, root: str, direction: str, depth: int = 1) -> dict[str, str]:
    """Return the names of a lineage by id, as the API returns them to a caller."""
    found = await api.ask(who, LINEAGE, roots=[root], direction=direction, depth=depth)
    return {node["asset"]["id"]: node["asset"]["displayName"] for node in found["lineage"]["nodes"]["nodes"]}


async def expected_causes(api: Api, who: str, **condition: object) -> dict[str, set[str]]:
    """Return the names of the affected assets by the name of each asset with problems, as the API has them."""
    wanted = {"kinds": BOARD_KINDS, "health": ["UNHEALTHY", "DEGRADED"], **condition}
    found: dict[str, set[str]] = {}
    for asset in (await api.ask(who, UNHEALTHY, filter=wanted))["assets"]["nodes"]:
        for cause in asset["health"]["causes"]:
            if cause["counts"] and cause["asset"]:
                found.setdefault(cause["asset"]["displayName"], set()).add(asset["displayName"])
    return found


async def idle_assets(api: Api, who: str, teams: list[str], days: int) -> tuple[list[str], int]:
    """Return the names of the first 25 assets of some teams without use for some days, and the number of all."""
    condition = {"kinds": IDLE_KINDS, "ownerTeams": teams, "unusedForDays": days}
    found = (await api.ask(who, IDLE, filter=condition))["assets"]
    return [each["displayName"] for each in found["nodes"]], found["totalCount"]


async def found_counts(api: Api, who: str, text: str) -> tuple[int, int]:
    """Return the number of the hits of a search with versions under their asset, and the sum of the counts by kind."""
    found = (await api.ask(who, FOUND, text=text))["search"]
    return found["hits"]["totalCount"], sum(each["count"] for each in found["facets"][0]["values"])


async def distances(api: Api, who: str, root: str) -> dict[str, str]:
    """Return the words for the distance of each asset downstream of a root by id; the root is `here`."""
    found = (await api.ask(who, IMPACT, roots=[root]))["impact"]["assets"]["nodes"]
    depths = {each["asset"]["id"]: each["depth"] for each in found}
    words = {urn: f"{depth} level{'' if depth == 1 else 's'} downstream" for urn, depth in depths.items()}
    return {**words, root: "here"}


async def decisions(api: Api, who: str, version: str) -> tuple[str, list[tuple[str, str, str | None]]]:
    """Return the digest of a version, and the newest decisions about this content: name, decision and reason."""
    found = (await api.ask(who, APPROVALS, id=version))["asset"]
    given = [each for each in found["approvals"]["nodes"] if each["digest"] == found["digest"]]
    return found["digest"], [(each["gate"], each["decision"], each["reason"]) for each in given]
