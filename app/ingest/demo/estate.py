"""The demo estate: its items, equal and in the same order every time, and its scenario."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import chain

from app.auth.dev_issuer import DevIssuer
from app.ingest.demo.cast import CAST
from app.ingest.demo.datasets import datasets
from app.ingest.demo.features import features
from app.ingest.demo.ids import Item as AssetInput
from app.ingest.demo.models import models
from app.ingest.demo.people import people
from app.ingest.demo.quality import quality
from app.ingest.demo.releases import FINAL_ASSET, releases
from app.ingest.demo.reports import reports
from app.ingest.demo.serving import serving
from app.ingest.demo.usage import usage
from app.ingest.load.batches import ImportItem
from app.ingest.load.load import LoadTarget, load
from app.ingest.load.scenario import Round, Scenario


def demo_estate() -> Iterator[AssetInput]:
    """Yield the users, teams, domains, tags, assets and links of the estate, each as an ``AssetInput`` object.

    Checks, usage and releases are in the scenario.
    """
    return chain(people(), datasets(), features(), models(), serving(), reports())


def demo_entries() -> list[ImportItem]:
    """Return the items, located in errors by their ids, or by ``link`` for an edge."""
    return [ImportItem(next(iter(item.values())).get("id", "link"), item) for item in demo_estate()]


def demo_scenario(today: date) -> Iterator[Round]:
    """Return the rounds of calls in order; checks and usage end on the day before ``today``."""
    return chain(quality(today), usage(today), releases())


def load_demo(url: str, issuer: DevIssuer, *, as_json: bool = False) -> int:
    """Register the items as root, run the scenario with the tokens of its callers, and return the exit code.

    The scenario is left out if an item failed, or if its final asset exists already.
    """
    tokens = {name: issuer.mint(one) for name, one in CAST.items()}
    entries, rounds = demo_entries(), list(demo_scenario(datetime.now(UTC).date()))
    total = len(entries) + sum(map(len, rounds))
    scenario = Scenario(rounds, tokens, FINAL_ASSET)
    return load(LoadTarget(url, tokens["root"]), entries, as_json=as_json, total=total, scenario=scenario)
