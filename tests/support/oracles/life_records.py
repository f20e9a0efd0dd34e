"""The records of the model of the life of assets, and the values written in it."""

from collections.abc import Mapping
from typing import Any

from support.stores.writers import urn

_CODES = {"dataset": "DATASET", "dataset-version": "DATASET_VERSION", "team": "TEAM", "user": "USER", "tag": "TAG"}
_OWN = {"tag": {"tagKind": "FREE", "propagates": False}, "user": {"active": True, "principalKind": "PERSON"}}
_STRENGTH = ["INFERRED", "DECLARED", "OBSERVED"]


class Refused(Exception):  # noqa: N818 - what happens, not an error
    """A write is rejected with a code and has no effect."""


def parent_of(name: str) -> str | None:
    """Return the dataset of a version."""
    return name.replace("-version/", "/", 1).rpartition("@")[0] if "@" in name else None


def declare(edge: dict[str, Any], declarer: str, origin: str) -> dict[str, Any]:
    """Return the edge with one more declarer; the strongest origin is kept."""
    stated = max(edge.get("origin", origin), origin, key=_STRENGTH.index)
    return {**edge, "by": sorted({*edge["by"], declarer}), "origin": stated}


def refuse_deleted(record: dict[str, Any] | None) -> None:
    """Raise if the asset is deleted."""
    if record is not None and "deletedAt" in record:
        raise Refused("CONFLICT")


def set_values(record: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Apply given values; None resets a value to its default, or removes it."""
    for key, value in values.items():
        wanted = (
            {"stage": "ACTIVE", "displayName": _shown(record["name"], record.get("version"))}.get(key)
            if value is None
            else value
        )
        if wanted is None:
            record.pop(key, None)
        else:
            record[key] = sorted(wanted, key=lambda pair: pair["key"]) if key == "properties" else wanted


def _shown(name: str, version: str | None) -> str:
    """Return the default display name; the versions of these tests are numbers."""
    return f"{name} v{version}" if version else name


def registered(record: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Return what the first registration changes, whatever was set before; one after a reference has an instant."""
    later = {} if record["createdAt"] == now else {"registeredAt": now}
    return {"hydration": "FULL", "stage": "ACTIVE", **later}


def new_stub(name: str, tenant: str, now: int) -> dict[str, Any]:
    """Return the record of a stub."""
    slug, source, _, rest = name.removeprefix("mlg://").split("/")
    own, _, version = rest.partition("@")
    return {
        "id": name,
        "kind": _CODES[slug],
        "tenant": tenant,
        "source": source,
        "namespace": "default",
        "name": own,
        "displayName": _shown(own, version),
        **({"version": version} if version else {}),
        "stage": "ACTIVE",
        "visibility": "ORG",
        "sensitivity": "INTERNAL",
        "declaredSensitivity": "INTERNAL",
        "hydration": "STUB",
        **_OWN.get(slug, {}),
        "revision": 1,
        "createdAt": now,
        "createdBy": "root",
        "updatedAt": now,
        "updatedBy": "root",
        "ownerTeam": "",
        "index": {"owners": [], "tags": [], "domain": "", "whole": ""},
    }


DATA = [urn(text) for text in ("dataset a", "dataset b", "dataset-version a@1", "dataset c")]
TEAMS = [urn(text) for text in ("team ranking", "team ads", "user ada")]
TAGS = [urn(text) for text in ("tag pii", "tag gold")]
