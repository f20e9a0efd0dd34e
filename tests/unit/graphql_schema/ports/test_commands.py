"""Commands: each is one of the union that a writer accepts."""

from typing import get_args

from graphql_schema.ports import commands
from graphql_schema.ports.commands import Command


def test_every_command_is_accepted_by_writers() -> None:
    """Each class of the module whose name ends in `Command` is a member of `Command`."""
    declared = {name for name, each in vars(commands).items() if name.endswith("Command") and isinstance(each, type)}
    missing = declared - {each.__name__ for each in get_args(Command)}
    assert missing == set(), f"Add {missing} to the union Command in graphql_schema/ports/commands.py."
