"""Rows for tests without a store or a policy: a record, and an access with a fixed mask that keeps its reports."""

from dataclasses import dataclass, field
from typing import Any

from graphql_schema.ports.row import AccessGrade, RecordAccess, Row
from policies.decision import Rights
from policies.vocabulary import WriteAction


@dataclass
class PlainAccess:
    """Hides and logs the named fields; implements :class:`graphql_schema.ports.row.RecordAccess`.

    ``edge_hidden`` are the fields that this end hides on its edges. ``reports`` holds what was reported, in order:
    ``hidden <field>`` and ``read <field> <id>``.
    """

    hidden: frozenset[str] = frozenset()
    logged: frozenset[str] = frozenset()
    edge_hidden: frozenset[str] = frozenset()
    grade: AccessGrade = AccessGrade.READ
    reports: list[str] = field(default_factory=list)
    watched: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.watched = self.hidden | self.logged

    def report_hidden(self, field: str) -> None:
        """Keep the report."""
        self.reports.append(f"hidden {field}")

    def report_read(self, field: str, urn: str) -> None:
        """Keep the report."""
        self.reports.append(f"read {field} {urn}")

    def may(self, _action: WriteAction) -> bool:
        """Return False: these rows are only read."""
        return False

    def rights(self) -> Rights:
        """Return no rights, as `may`."""
        return Rights()

    def of_edge(self, _type_name: str, far: RecordAccess) -> RecordAccess:
        """Return the access to an edge, which hides what either end hides."""
        assert isinstance(far, PlainAccess)
        return PlainAccess(self.edge_hidden | far.edge_hidden, reports=self.reports)


def hiding(*fields: str) -> PlainAccess:
    """Return an access that hides fields of the row."""
    return PlainAccess(frozenset(fields))


def plain_row(kind: str, name: str, access: PlainAccess | None = None, *, vid: int = 0, **values: Any) -> Row:
    """Return a row of a kind by its code, such as ``MODEL``; a ``version`` becomes part of its id."""
    tail = f"@{values['version']}" if "version" in values else ""
    record = {
        "id": f"mlg://{kind.lower().replace('_', '-')}/test/default/{name}{tail}",
        "kind": kind,
        "source": "test",
        "namespace": "default",
        "name": name,
        "displayName": name,
        **values,
    }
    return Row(vid, record, access or PlainAccess())
