"""The whole demo estate, chapter by chapter; the same items in the same order every time."""

from collections.abc import Iterator
from itertools import chain

from app.ingest.demo.data import data
from app.ingest.demo.features import features
from app.ingest.demo.ids import Item as AssetInput
from app.ingest.demo.models import models
from app.ingest.demo.people import people
from app.ingest.demo.reports import reports
from app.ingest.demo.serving import serving
from app.ingest.registering import Item


def demo_estate() -> Iterator[AssetInput]:
    """Tell the story as ``AssetInput`` objects."""
    return chain(people(), data(), features(), models(), serving(), reports())


def demo_entries() -> list[Item]:
    """The estate as items to register, named for progress and errors."""
    return [Item(next(iter(item.values())).get("id", "link"), item) for item in demo_estate()]
