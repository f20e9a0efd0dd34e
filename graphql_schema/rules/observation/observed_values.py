"""The fold of observed values: what an asset is, by all events about it, in whatever order they arrive.

Of each field and part, the value with the greatest order remains, as in a last-writer-wins map. Such a map is equal
after every permutation and repetition of the events. Sources of columns are an exception if several senders give the
same part: the later event then replaces the other. Its entries are kept as evidence beside the record of the asset:
the order of the value that remains, and a digest of it. A stored value whose digest differs comes from another client,
and is kept.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import orjson

from graphql_schema.ports.commands import ObservedValue
from graphql_schema.ports.record import Json, JsonObject, Record
from graphql_schema.rules.observation.observed_columns import COLUMNS, SCHEMA, SENDER, folded_columns, sender_of

LISTED: Final[Mapping[str, tuple[str, ...]]] = {
    "properties": ("key",),
    "params": ("key",),
    "metrics": ("name", "slice"),
}
"""Fields that are lists of parts: a part is named by these keys of its element, joined by a line break."""

MAX_PARTS: Final = 100
"""Maximal number of observed parts of one field; of more, those with the greatest order remain."""

_STATE: Final = "state"
"""The field that an event replaces even if another client gave it; the registration decides which state may follow."""

Entries = dict[str, dict[str, JsonObject]]
"""Evidence by field and part: ``order``, ``digest`` and, of columns, the ``value``."""


@dataclass(slots=True)
class Fold:
    """The result of a fold.

    ``values`` are the fields to register, and ``entries`` the evidence after the fold. ``accepted`` are the fields with
    an observed value that replaces the one in the evidence. ``kept`` and ``outdated`` are as in
    :class:`graphql_schema.ports.outcomes.ObservedChanges`. ``counted`` are the parts of columns that count as changed,
    whatever is stored.
    """

    entries: Entries
    values: JsonObject = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    outdated: set[str] = field(default_factory=set)
    counted: set[str] = field(default_factory=set)


def fold(
    record: Record,
    entries: Entries,
    observed: Iterable[ObservedValue],
    unseen: Collection[str] = (),
    sender: str = "",
    *,
    is_mixed: bool = True,
) -> Fold:
    """Return the fold of observed values into a record with its evidence; both are left as they are.

    ``unseen`` are fields whose stored values are hidden from the caller, the ``sender``. Nothing is compared with them,
    nor with the source columns that others sent, so that the result discloses nothing. ``is_mixed`` is as in
    :func:`graphql_schema.rules.observation.observed_columns.folded_columns`.
    """
    result = Fold({name: dict(parts) for name, parts in entries.items()})
    by_field: dict[str, list[ObservedValue]] = {}
    for each in observed:
        has_sources = each.field == COLUMNS and each.part != SCHEMA
        if (
            _has_newer_sources(result, each, sender)
            if has_sources
            else _is_newer(result, each, hidden=each.field in unseen)
        ):
            by_field.setdefault(each.field, []).append(each)
            result.accepted.add(each.field)
    for name, news in by_field.items():
        parts = {each.part: each for each in news}
        if name == COLUMNS:
            _fold_columns(result, record, entries.get(name, {}), parts, is_mixed=is_mixed)
        elif name in LISTED:
            _fold_parts(result, record, entries.get(name, {}), parts, hidden=name in unseen)
        else:
            _fold_value(result, record, entries.get(name, {}).get(""), parts[""], hidden=name in unseen)
    return result


def is_observed(name: str, value: Json, parts: Mapping[str, JsonObject], *, is_mixed: bool = True) -> bool:
    """Return whether events alone gave the stored value of a field; ``parts`` is its evidence, empty without any.

    ``is_mixed`` is as in :func:`fold`.
    """
    if name == COLUMNS:
        return folded_columns([], {}, parts)[0] == folded_columns(value or [], parts, parts, is_mixed=is_mixed)[0]
    if name in LISTED:
        return all(not _is_of_others(each, parts.get(part_of(name, each))) for each in value or ())
    return not _is_of_others(value, parts.get(""))


def digest_of(value: Json) -> str:
    """Return a digest of a JSON value, as 16 hexadecimal digits; the order of the keys of objects does not count."""
    return blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()


def part_of(name: str, element: Record) -> str:
    """Return the name of the part that an element of a field of :data:`LISTED` is: its keys, joined by line breaks."""
    return "\n".join(str(element.get(key) or "") for key in LISTED[name]).rstrip("\n")


def _is_newer(result: Fold, each: ObservedValue, *, hidden: bool) -> bool:
    """Return whether an observed value replaces the one in the evidence, and if so, enter it there.

    A value of a ``hidden`` field always does. If the evidence has a later value, and another one, the field is
    ``outdated``.
    """
    parts = result.entries.setdefault(each.field, {})
    known, rank = parts.get(each.part), [*each.order, digest_of(each.value)]
    if not hidden and known is not None and rank <= [*known["order"], known["digest"]]:
        if rank[-1] != known["digest"]:
            result.outdated.add(each.field)
        return False
    kept_value = {"value": each.value} if each.field == COLUMNS else {}
    parts[each.part] = {"order": list(each.order), "digest": rank[-1], **kept_value}
    return True


def _has_newer_sources(result: Fold, each: ObservedValue, sender: str) -> bool:
    """Return whether a part of columns with sources is newer than what its sender sent last, and if so, enter it.

    It replaces what another one sent, unless it is empty: it is then kept beside that, because it is newer than earlier
    events of its sender.
    """
    parts, apart = result.entries.setdefault(COLUMNS, {}), f"{each.part}\n{sender}"
    known = parts.get(each.part)
    is_own = known is not None and sender_of(known) == sender
    last, digest = known if is_own else parts.get(apart), digest_of(each.value)
    if last is not None and [*each.order, digest] <= [*last["order"], last["digest"]]:
        if digest != last["digest"]:
            result.outdated.add(COLUMNS)
        return False
    if (is_own or each.value) and (last is None or digest != last["digest"]):
        result.counted.add(each.part)
    parts.pop(apart, None)
    name = each.part if is_own or each.value else apart
    parts[name] = {"order": [*each.order], "digest": digest, "value": each.value, SENDER: sender}
    return True


def _fold_value(result: Fold, record: Record, known: Record | None, new: ObservedValue, *, hidden: bool) -> None:
    stored = record.get(new.field)
    if new.field != _STATE and not hidden and _is_of_others(stored, known):
        if stored != new.value:
            result.kept.add(new.field)
        return
    result.values[new.field] = new.value


def _is_of_others(stored: Json, known: Record | None) -> bool:
    """Return whether a stored value was given by another client than the one that sends events."""
    return stored is not None and (known is None or digest_of(stored) != known["digest"])


def _fold_parts(
    result: Fold, record: Record, known: Record, news: Mapping[str, ObservedValue], *, hidden: bool
) -> None:
    """Fold a field that is a list of parts; the parts of other clients remain, unless the field is ``hidden``."""
    name = next(iter(news.values())).field
    elements = {part_of(name, each): each for each in record.get(name) or ()}
    for part, new in news.items():
        if not hidden and _is_of_others(elements.get(part), known.get(part)):
            result.kept.add(f"{name}.{part.partition(chr(10))[0]}")
        elif new.value is None:
            elements.pop(part, None)
        else:
            elements[part] = new.value
    for part in _excess(result.entries[name]):
        entry = result.entries[name].pop(part)
        if part in elements and digest_of(elements[part]) == entry["digest"]:
            del elements[part]
    result.values[name] = [elements[part] for part in sorted(elements)] or None


def _excess(parts: Mapping[str, Record]) -> Sequence[str]:
    """Return the parts beyond MAX_PARTS: those with the least order."""
    ranked = sorted(parts, key=lambda part: ([*parts[part]["order"]], part), reverse=True)
    return ranked[MAX_PARTS:]


def _fold_columns(
    result: Fold, record: Record, before: Mapping[str, JsonObject], news: Collection[str], *, is_mixed: bool
) -> None:
    """Fold the columns; they are to be registered if they change, or if one of the parts ``news`` is counted."""
    stored = record.get(COLUMNS) or []
    columns, kept, entries = folded_columns(stored, before, result.entries[COLUMNS], news, is_mixed=is_mixed)
    result.entries[COLUMNS] = entries
    result.kept |= {f"{COLUMNS}.{name}" for name in kept}
    if result.counted or columns != stored:
        result.values[COLUMNS] = columns or None
