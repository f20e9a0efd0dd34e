"""Commands that are imported when they run, so that `mlg --help` and the small commands need not load the server."""

import pkgutil
from collections.abc import Mapping
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


class DeferredCommand(TyperCommand):
    """A command of which only name and help line are known; ``target`` is the `module:attribute` that it stands for."""

    def __init__(self, name: str, target: str, line: str) -> None:
        super().__init__(name, help=line)
        self.known_as = name
        self.target = target

    def resolve(self) -> Any:  # noqa: ANN401 - Typer exports no type of its commands
        """Import the target, a function or a Typer, and make the command of it."""
        found = pkgutil.resolve_name(self.target)
        holder = typer.Typer(add_completion=False)
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=self.known_as)
        else:
            holder.command(self.known_as)(found)
        return typer.main.get_group(holder).commands[self.known_as]

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:  # noqa: ANN401 - as the method that it replaces
        """Parse the arguments as the target does; what is invoked then is the target."""
        return self.resolve().make_context(info_name, args, parent=parent, **extra)


class LazyGroup(TyperGroup):
    """A group whose subclasses list their commands in ``table``: target and help line by name."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = {}

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - as the class that it extends
        super().__init__(**attributes)
        for name, (target, line) in self.table.items():
            self.add_command(DeferredCommand(name, target, line))
