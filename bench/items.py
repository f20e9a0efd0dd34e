"""The registrations of an estate, and those of the writes that the bench measures."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from bench.estate import INTAKE, TRAINED_ON, Asset, Estate, urn

Item = dict[str, Any]
"""One ``AssetInput`` of the API."""


def items_of(estate: Estate) -> Iterator[Item]:
    """Yield the items that register an estate: teams, assets and links, what is referenced before what refers to it."""
    yield from ({"team": dict(team)} for team in estate.teams.values())
    order = ("DATASET", "MODEL", "MODEL_VERSION", "SERVICE", "DEPLOYMENT")
    for asset in sorted(estate.assets.values(), key=lambda each: order.index(each.kind)):
        yield _item(estate, asset)
    for source, service in estate.readers:
        yield {"link": {"relation": "FEEDS", "from": source, "to": service}}


def _item(estate: Estate, asset: Asset) -> Item:
    """Return the registration of an asset, with its relations."""
    body: Item = {key: value for key, value in asset.fields.items() if key not in {"name", "namespace", "version"}}
    if asset.owner:
        body["owners"] = [{"owner": asset.owner}]
    body["visibility"] = asset.visibility  # without it, a version has the visibility of its model
    if asset.urn in estate.sources:
        body["derivedFrom"] = estate.sources[asset.urn]
    if asset.urn in estate.trained_on:
        body["trainedOn"] = estate.trained_on[asset.urn]
    if asset.urn in estate.runs:
        body["modelVersion"], body["service"] = estate.runs[asset.urn]
    return {_key(asset.kind): body}


def _key(kind: str) -> str:
    """Return the key of a kind in ``AssetInput``."""
    first, *rest = kind.lower().split("_")
    return first + "".join(word.title() for word in rest)


def new_version(number: int) -> Item:
    """Return the input of a version that the bench registers, trained on five datasets that no query reads."""
    data = (urn("DATASET", f"zz_intake_{(number * 7 + step) % INTAKE:02d}") for step in range(TRAINED_ON))
    return {
        "id": urn("MODEL_VERSION", f"zz_intake@{number}"),
        "displayName": f"Intake {number}",
        "description": "A version that the bench registers",
        "framework": "pytorch",
        "trainedOn": [*islice(data, TRAINED_ON)],
    }
