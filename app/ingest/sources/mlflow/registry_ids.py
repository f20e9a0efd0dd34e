"""Ids and names in requests to a registry: no text that its users wrote becomes a part of a filter or an address.

Filters of MLflow have no escapes, and its client puts some ids into addresses unquoted.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from app.ingest.sources.mlflow.registry_entities import Entity

ReadObject = Callable[[Entity], Entity]
"""Calls the client for one object; the client raises an error if there is none."""

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,255}")
"""The ids that MLflow gives to runs and logged models; any other text is the id of none."""

_LOGGED_SOURCE: Final = "models:/m-"


def literal(text: str) -> str | None:
    """Return a text as a literal of a filter; None if it has both kinds of quotes, because a filter has no escapes."""
    mark = next((each for each in ("'", '"') if each not in text), None)
    return mark and f"{mark}{text}{mark}"


def id_lists(ids: Iterable[str], length: int) -> Iterator[str]:
    """Yield distinct ids of runs or logged models in lists of a filter, each of at most ``length``.

    Another text than an id is left out.
    """
    rest = [f"'{each}'" for each in dict.fromkeys(ids) if _ID.fullmatch(each)]
    for begin in range(0, len(rest), length):
        yield ", ".join(rest[begin : begin + length])


def tracked_run(run_id: str) -> ReadObject:
    """Return a call that reads a run, or None for another text than an id, which the client refuses."""
    return lambda client: client.get_run(run_id) if _ID.fullmatch(run_id) else None


def logged_model(model: str) -> ReadObject:
    """Return a call that reads a logged model, or None for another text than an id, which is unquoted in an address."""
    return lambda client: client.get_logged_model(model) if _ID.fullmatch(model) else None


def logged_id_of(version: Entity) -> str:
    """Return the id of the logged model that a version was made of; empty without one."""
    source = version.source or ""
    found = getattr(version, "model_id", None) or ""
    return found or (source.removeprefix("models:/") if source.startswith(_LOGGED_SOURCE) else "")
