"""The list in the response to a query as CSV: a row for each element, a column for each path of fields."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Final

import orjson

from app.ingest.load.terminal_text import without_commands
from graphql_schema.ports.record import Json, JsonObject
from policies.errors import InvalidError

_FORMULA: Final = re.compile('^(?=[\t\r\n])|(^|[;\t\r\n]"*)(?=[=+\\-@\uff1d\uff0b\uff0d\uff20])')
"""Where a cell begins like a formula of a spreadsheet: some divide a cell at a semicolon, a tab or a line end.

They drop quotation marks at the begin of the parts.
"""


def csv_text(data: JsonObject) -> str:
    """Return the only list of ``data``, such as ``assets.nodes``, as CSV (RFC 4180) with a line of column names.

    Each element is a row, and fields of objects are columns such as ``owner.displayName``. A number, a boolean or a
    list inside of a row is JSON in its cell, and null is an empty cell. A text that begins like a formula of a
    spreadsheet (with ``=``, ``+``, ``-``, ``@``, a tab, a carriage return or a line feed) gets an apostrophe in front.
    So does each part of it, or of a list, behind a semicolon, a tab or a line end. A space divides what would be a
    command in the log of a job of continuous integration (:func:`app.ingest.load.terminal_text.log_text`).
    Raises InvalidError unless there is exactly one list that is not inside of another.
    """
    lists = list(_lists(data, ""))
    if len(lists) != 1:
        found = ", ".join(path for path, _ in lists) or "none"
        raise InvalidError(
            f"CSV needs a query with one list, and this one has {found}. Select one list, or omit --csv."
        )
    rows = [dict(_cells(row, "")) for row in lists[0][1]]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _lists(value: Json, path: str) -> Iterator[tuple[str, list[Json]]]:
    """Yield the outermost lists with their paths."""
    if isinstance(value, list):
        yield path, value
    elif isinstance(value, dict):
        for name, child in value.items():
            yield from _lists(child, f"{path}.{name}" if path else name)


def _cells(value: Json, path: str) -> Iterator[tuple[str, str]]:
    """Yield the column and the text of each cell of a row; a row that is no object has the one column ``value``."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _cells(child, f"{path}.{name}" if path else name)
    else:
        yield path or "value", _cell(value)


def _cell(value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _harmless(value)
    text = orjson.dumps(value).decode()
    return _harmless(text) if isinstance(value, list) else text


def _harmless(text: str) -> str:
    return without_commands(_FORMULA.sub(r"\1'", text))
