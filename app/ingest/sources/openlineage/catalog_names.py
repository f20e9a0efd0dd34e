"""Names that importers share with the events of OpenLineage: of owners, and of the checks that assertions become.

The module loads nothing of the server, because the commands of clients use it.
"""

from graphql_schema.catalog.urn import make_urn


def owner_urn(name: str) -> str:
    """Return the id of an owner: `user:x` and an e-mail address are users, every other name is a team."""
    prefix, colon, rest = name.partition(":")
    if colon and prefix.lower() in {"user", "team", "group"} and rest:
        return make_urn("user" if prefix.lower() == "user" else "team", "catalog", "", rest)
    return make_urn("user" if "@" in name else "team", "catalog", "", name)


def assertion_name(name: str, column: str | None) -> str:
    """Return the name of the check of an assertion about a table, or about a column."""
    return f"{name}({column})" if column else name


def assertion_kind(check: str) -> str:
    """Return the kind of the check of an assertion, by the name of the check."""
    return "VOLUME" if "row_count" in check else "SCHEMA"
