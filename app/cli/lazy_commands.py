"""Commands that are imported when they run, so that `mlg --help` and client commands do not load the server."""

import pkgutil
from collections.abc import Mapping
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


class DeferredCommand(TyperCommand):
    """A command with a name and a help line; ``target``, a `module:attribute`, is imported when the command runs."""

    def __init__(self, name: str, target: str, help_line: str) -> None:
        super().__init__(name, help=help_line)
        self.command_name = name
        self.target = target

    def resolve(self) -> Any:  # noqa: ANN401 - Typer exports no type of its commands
        """Import the target, a function or a Typer, and return its command."""
        found = pkgutil.resolve_name(self.target)
        parent = typer.Typer(add_completion=False)
        if isinstance(found, typer.Typer):
            parent.add_typer(found, name=self.command_name)
        else:
            parent.command(self.command_name)(found)
        return typer.main.get_group(parent).commands[self.command_name]

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:  # noqa: ANN401 - signature of the overridden method
        """Return the context of the target, so that the target parses the arguments and is invoked."""
        return self.resolve().make_context(info_name, args, parent=parent, **extra)


class LazyGroup(TyperGroup):
    """A group of deferred commands; subclasses list target and help line by name in ``table``."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = {}

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - signature of the base class
        super().__init__(**attributes)
        for name, (target, help_line) in self.table.items():
            self.add_command(DeferredCommand(name, target, help_line))
