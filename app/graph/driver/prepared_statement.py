"""Prepared Gremlin: a text that never changes, and the names of the values that travel beside it.

The store compiles a text when it first sees it (8 to 16 ms) and keeps it for good, so texts are few and constant. A
value never becomes text, so there is nothing to inject into. Build a traversal once per shape with gremlinpython and
markers, then ``PreparedStatement.traversal(t)``; or write a frame of Groovy around rendered traversals, then
``PreparedStatement.of(text, "xs", "hops")``.

Mind in frames: write ``x ? [] : y`` with spaces (``x?[]`` is safe indexing), ``tryNext()`` and not ``next()`` (an
exception without a message gets no answer at all), and guard every list of sources or labels that the frame loops
over: only lists that are parameters themselves are checked here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from gremlin_python.process.traversal import Traversal

from app.graph.driver.errors import PreparedTextError
from app.graph.driver.gremlin_text import Param, parameters_of, render

_STRING: Final = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")
_WORD: Final = re.compile(r"(?<![.\w])[a-z]\w*")
_START: Final = re.compile(r"\b[VE]\(([a-z]\w*)\)|[(,]\s*\*([a-z]\w*)")


@dataclass(frozen=True)
class PreparedStatement:
    """A constant Gremlin text and its parameters; build it with :meth:`traversal` or :meth:`of`."""

    text: str
    parameters: frozenset[str] = frozenset()

    @classmethod
    def traversal(cls, traversal: Traversal) -> "PreparedStatement":
        """Prepare a whole traversal: its parameters are the markers in it."""
        return cls(render(traversal), parameters_of(traversal))

    @classmethod
    def of(cls, text: str, *names: str) -> "PreparedStatement":
        """Declare the parameters of a text of our own; PreparedTextError if one cannot be read in it."""
        words = set(_WORD.findall(_STRING.sub("''", text)))
        missing = [name for name in names if Param(name).name not in words]
        if missing:
            raise PreparedTextError(f"The text does not read {', '.join(missing)}: drop the parameter or use it.")
        return cls(text, frozenset(names))

    @cached_property
    def sources(self) -> frozenset[str]:
        """The parameters where no items would mean everything: ``V(xs)``, ``outE(*ls)``."""
        found = _START.findall(_STRING.sub("''", self.text))
        return self.parameters & {name for pair in found for name in pair}

    def check(self, bindings: Mapping[str, object]) -> None:
        """Refuse bindings that do not name each parameter once, or that would start from everything."""
        if bindings.keys() != self.parameters:
            wrong = ", ".join(sorted(bindings.keys() ^ self.parameters))
            raise PreparedTextError(f"Parameters and bindings differ in {wrong}: bind what is declared, no more.")
        empty = sorted(name for name in self.sources if bindings[name] in ([], (), None))
        if empty:
            raise PreparedTextError(f"No items in {', '.join(empty)} would mean everything: answer without the store.")
