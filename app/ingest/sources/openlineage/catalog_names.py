"""Names that importers share with the events of OpenLineage: of owners, and of the checks that assertions become.

The module loads nothing of the server, because the commands of clients use it.
"""

from graphql_schema.catalog.urn import make_urn


def owner_urn(name: str) -> str:
    """Return the id of an owner: `user:x` and an e-mail address are users, every other name is a team.

    The prefix `user:`, `team:` or `group:` decides first, and is not a part of the name.
    """
    prefix, colon, rest = name.partition(":")
    if colon and prefix.lower() in {"user", "team", "group"} and rest:
        return make_urn("user" if prefix.lower() == "user" else "team", "catalog", "", rest)
    return make_urn("user" if "@" in name else "team", "catalog", "", name)


def assertion_name(name: str, column: str | None) -> str:
    """Return the name of the check of an assertion, with the column in parentheses if the assertion is about one."""
    return f"{name}({column})" if column else name


def assertion_kind(check: str) -> str:
    """Return the kind of the check of an assertion: VOLUME if its name contains `row_count`, else SCHEMA."""
    return "VOLUME" if "row_count" in check else "SCHEMA"
