"""What the rules of the field table make of one record: the values of an asset, its properties, and further items."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import Final

import orjson

from app.ingest.sources.mlflow.registry_records import MetricPoint
from graphql_schema.catalog.free_properties import MAX_FREE_PROPERTIES
from graphql_schema.catalog.instants import known_instant
from graphql_schema.ports.record import Json, JsonObject, Record

MAX_TEXT: Final = 2_000
"""Maximal number of characters of the value of a property; a longer one is cut, and ends with an ellipsis."""

SYSTEM: Final = "mlflow."
"""The prefix of the tags that MLflow itself sets, and of the keys of all imported properties."""

DESCRIPTION: Final = "mlflow.note.content"
"""The tag with the description of an experiment or run."""

OTHERS: Final = f"{SYSTEM}others"
"""The key of the property with those that an asset has beyond MAX_KEPT, as a JSON object."""

MAX_KEPT: Final = MAX_FREE_PROPERTIES - 1
"""Maximal number of properties of a draft: a run gets one more, with the points of its metrics."""

_LEFT_OUT: Final = ("mlflow.log-model.history", "mlflow.runName", "mlflow.parentRunId", "mlflow.runColor", DESCRIPTION)


@dataclass(slots=True)
class AssetDraft:
    """The ``values`` of one asset, its ``properties`` by key, and the ``parts``: items to register before it."""

    values: JsonObject = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    parts: list[Record] = field(default_factory=list)

    def set(self, **values: Json) -> None:
        """Set values of the asset; those that are None are left out."""
        self.values |= {name: value for name, value in values.items() if value is not None}

    def keep(self, key: str, text: str | None) -> None:
        """Keep a text as the property ``mlflow.<key>``; an empty one is left out, and a long one is cut."""
        if text:
            self.properties[SYSTEM + key] = cut(text)

    @property
    def pairs(self) -> list[JsonObject]:
        """Return the properties as pairs of key and value; of more than MAX_KEPT, the last are one JSON object."""
        kept = [*self.properties.items()]
        if len(kept) > MAX_KEPT:
            others = orjson.dumps(dict(kept[MAX_KEPT - 1 :])).decode()
            kept = [*kept[: MAX_KEPT - 1], (OTHERS, others)]
        return [{"key": key, "value": value} for key, value in kept]

    def keep_tags(self, tags: Mapping[str, str]) -> None:
        """Keep tags as properties: those of MLflow under their key, others as ``mlflow.tag.<key>``.

        Tags of ``_LEFT_OUT`` are left out.
        """
        for key, text in sorted(tags.items()):
            if key not in _LEFT_OUT:
                self.keep(key.removeprefix(SYSTEM) if key.startswith(SYSTEM) else f"tag.{key}", text)

    def metrics(self, points: tuple[MetricPoint, ...]) -> None:
        """Set metrics to the finite values of points; others become properties, because a metric is a finite number."""
        self.set(metrics=[{"name": each.name, "value": each.value} for each in points if isfinite(each.value)] or None)
        for each in points:
            if not isfinite(each.value):
                self.keep(f"metric.{each.name}", metric_text(each.value))


def cut(text: str) -> str:
    """Return a text, cut to MAX_TEXT characters with an ellipsis at the end if it is longer."""
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def metric_text(value: float) -> str:
    """Return a value that is no finite number as MLflow writes it: NaN, Infinity or -Infinity."""
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]


def instant(milliseconds: int | None) -> str | None:
    """Return milliseconds since 1970 as RFC 3339 text, None without an instant that the graph can have."""
    known = known_instant(milliseconds)
    return None if known is None else datetime.fromtimestamp(known / 1000, UTC).isoformat()


def pairs(values: Mapping[str, str]) -> list[JsonObject] | None:
    """Return parameters as a list of keys and values, None if there are none."""
    return [{"key": key, "value": value} for key, value in sorted(values.items())] or None
