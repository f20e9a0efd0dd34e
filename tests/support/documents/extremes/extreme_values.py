"""Extreme values for each type of the schema: long, many, nested, slow to normalise, and at the ends of a range.

A text is a pattern that is repeated up to a length. Fields have limits of very different lengths, and work before a
limit is that for the limit, so each pattern has three lengths.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

LENGTHS: Final = (500, 4_000, 60_000)
"""Characters of extreme texts: below the limits of names, of values of properties, and of all texts."""

PATTERNS: Final[Mapping[str, str]] = {
    "letters": "a",
    "marks in wrong order": "\u0301\u0323",
    "letters with marks": "a\u0315\u0300\u05ae\u0062",
    "ligatures that expand": "\ufdfa",
    "capitals that grow": "\u0130",
    "astral letters": "\U0001d518",
    "right to left": "a\u202e\u05d0\u2067",
    "no width": "\u200d\ufe0f",
    "words": "ab cd-ef_",
    "single letters": "a b ",
    "slashes": "/",
    "colons": ":",
    "dots": "a.",
    "at signs": "a@",
    "commas": "a,",
    "hyphens": "a-",
    "spaces": " ",
    "digits": "9",
    "numbers": "1.2.",
    "percent codes": "%41",
    "globs": "*?",
    "brackets": "([{",
    "expressions": "(a+)+|",
    "quotes": '"\\',
    "lines": "\n",
    "camel case": "aB",
    "capitals": "Ab",
    "equals": "a=b&",
    "urns": "mlg://",
}
"""Texts that are repeated, by name."""

EDGES: Final[Mapping[str, str]] = {
    "empty": "",
    "blank": " \t\n",
    "NUL": "a\x00b",
    "lone surrogate": "\ud800",
    "null": "null",
    "NaN": "NaN",
    "a text over the limit": "a" * 65_537,
    **{f"{length} letters": "a" * length for length in (64, 65, 128, 255, 256, 512, 1_024, 1_025, 2_048, 8_192)},
}
"""Texts that are extreme by what they are; those of some letters are at the limits of fields."""

NUMBERS: Final[Mapping[str, Any]] = {
    "zero": 0,
    "-1": -1,
    "largest": 2**31 - 1,
    "smallest": -(2**31),
    "too large": 2**63,
    "fraction": 0.5,
    "negative zero": -0.0,
    "least": 5e-324,
    "huge": 1e308,
    "-huge": -1e308,
    "integer beyond floats": 10**400,
}

INSTANTS: Final[Mapping[str, str]] = {
    "first instant": "0001-01-01T00:00:00Z",
    "before the first": "0001-01-01T00:00:00+23:59",
    "last instant": "9999-12-31T23:59:59.999999Z",
    "after the last": "9999-12-31T23:59:59.999999-23:59",
    "epoch": "1970-01-01T00:00:00Z",
    "now": "2026-11-24T09:30:00Z",
    "long fraction": f"2026-11-24T09:30:00.{'1' * 60_000}Z",
    "long year": f"{'9' * 60_000}-01-01T00:00:00Z",
    "long offset": f"2026-11-24T09:30:00+{'0' * 60_000}",
}

DAYS: Final[Mapping[str, str]] = {"first day": "0001-01-01", "last day": "9999-12-31", "no day": "2026-02-30"}

ID_HEADS: Final = ("mlg://dataset/test/default/", "mlg://model-version/test/default/m@", "mlg://dataset/")
"""Beginnings of ids that an extreme text continues: of a name, a version and a source."""


@dataclass(frozen=True, slots=True)
class Extreme:
    """A value with a name for reports."""

    name: str
    value: Any


def repeated(pattern: str, length: int) -> str:
    """Return a pattern, repeated and cut to a length."""
    return (pattern * (length // len(pattern) + 1))[:length]


def texts(lengths: tuple[int, ...] = LENGTHS) -> Iterator[Extreme]:
    """Yield the extreme texts, those of patterns with each of the lengths."""
    for name, pattern in PATTERNS.items():
        for length in lengths:
            yield Extreme(f"{name}, {length}", repeated(pattern, length))
    for name, text in EDGES.items():
        yield Extreme(name, text)


def ids(known: str, lengths: tuple[int, ...] = LENGTHS) -> Iterator[Extreme]:
    """Yield extreme ids: texts, ids that begin well and end with a text, and near-misses of a known id."""
    yield from texts(lengths[-1:])
    for each in texts((lengths[0] - 60, lengths[-1])):
        yield Extreme(f"a name of {each.name}", ID_HEADS[0] + each.value)
    for head in ID_HEADS[1:]:
        yield from (Extreme(f"{head} and {name}", head + repeated(text, 400)) for name, text in PATTERNS.items())
    near = {"a capital": known.upper(), "longer": known + "x", "shorter": known[:-1], "twice": known * 2}
    for name, text in near.items():
        yield Extreme(f"a known id, {name}", text)


def scalars(type_: str, known: str, lengths: tuple[int, ...] = LENGTHS) -> Iterator[Extreme]:
    """Yield the extreme values of a scalar; ``known`` is an existing id."""
    if type_ in {"Int", "Float"}:
        yield from (Extreme(name, value) for name, value in NUMBERS.items())
    elif type_ == "Boolean":
        yield from (Extreme(str(value), value) for value in (True, False))
    elif type_ == "ID":
        yield from ids(known, lengths)
    else:
        more = {"DateTime": INSTANTS, "Date": DAYS}.get(type_, {})
        yield from (Extreme(name, value) for name, value in more.items())
        yield from texts(lengths)
