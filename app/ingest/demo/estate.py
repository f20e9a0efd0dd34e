"""The whole demo estate, chapter by chapter; the same items in the same order every time."""

from collections.abc import Iterator
from itertools import chain

from app.ingest.demo.data import data
from app.ingest.demo.features import features
from app.ingest.demo.ids import Item
from app.ingest.demo.models import models
from app.ingest.demo.people import people
from app.ingest.demo.reports import reports
from app.ingest.demo.serving import serving


def demo_estate() -> Iterator[Item]:
    """Tell the story as ``AssetInput`` objects."""
    return chain(people(), data(), features(), models(), serving(), reports())
