"""Counts calls between two chances of an operation to let others run."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from graphql_schema.ports.turns.loop_turns import Turns


@dataclass
class UnpausedCalls:
    """``longest`` is the greatest number of calls of the observed functions without a question whether a turn is over.

    A question is a chance: after it, a turn that is over ends.
    """

    monkeypatch: pytest.MonkeyPatch
    longest: int = 0
    _count: int = 0

    def __post_init__(self) -> None:
        is_over = Turns.is_over

        def asked(turns: Turns) -> bool:
            self._count = 0
            return is_over(turns)

        self.monkeypatch.setattr(Turns, "is_over", asked)

    def observe(self, owner: type | ModuleType, name: str) -> None:
        """Count calls of a method of a class, or of a function that a module calls by this name."""
        function: Callable[..., Any] = getattr(owner, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self._count += 1
            self.longest = max(self.longest, self._count)
            return function(*arguments, **options)

        self.monkeypatch.setattr(owner, name, call)
