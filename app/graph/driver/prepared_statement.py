"""Prepared Gremlin: a constant text, and the names of the values that are sent beside it.

The store compiles a text at its first use (8 to 16 ms) and keeps it until the store stops, so there must be few texts,
all constant. Bound values never become text, so nothing can be injected. Build one traversal per shape with
gremlinpython and :func:`app.graph.driver.gremlin_text.param`, then call ``PreparedStatement.traversal(t)``.
Alternatively write Groovy around rendered traversals and call ``PreparedStatement.of(text, "xs", "hops")``. Metrics and
traces have the ``name`` of a statement; statements of one purpose share it.

Traps in Groovy:

- Write ``x ? [] : y`` with spaces, because Groovy reads ``x?[]`` as safe indexing.
- Write ``tryNext()``, not ``next()``, where there may be no result: an exception without a message gets no HTTP
  response at all.
- Guard every list of sources or labels that the text itself computes: ``V([])`` means every vertex. The check of
  :class:`PreparedStatement` covers only lists that are parameters.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from gremlin_python.process.traversal import Traversal

from app.graph.driver.errors import PreparedTextError
from app.graph.driver.gremlin_text import Param, parameters_of, render

UNNAMED: Final = "other"
"""The name of a statement that is not given one, such as those of tests."""

_STRING: Final = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")
"""A string literal in Groovy; words inside it are not names."""
_WORD: Final = re.compile(r"(?<![.\w])[a-z]\w*")
"""A name that is not a member of another object."""
_START: Final = re.compile(r"\b[VE]\(([a-z]\w*)\)|[(,]\s*\*([a-z]\w*)")
"""A parameter for which an empty list would mean everything: ``V(xs)``, ``E(xs)`` or a spread argument ``*ls``."""


@dataclass(frozen=True)
class PreparedStatement:
    """A constant Gremlin text, its parameters and its name; built with :meth:`traversal` or :meth:`of`."""

    text: str
    parameters: frozenset[str] = frozenset()
    name: str = UNNAMED

    @classmethod
    def traversal(cls, traversal: Traversal, name: str = UNNAMED) -> "PreparedStatement":
        """Return a traversal as a prepared text; its parameters are those (:class:`Param`) in its steps."""
        return cls(render(traversal), parameters_of(traversal), name)

    @classmethod
    def of(cls, text: str, *names: str, name: str = UNNAMED) -> "PreparedStatement":
        """Return a hand-written text with named parameters.

        Raises PreparedTextError if a name is invalid, or if the text does not read the parameter.
        """
        words = set(_WORD.findall(_STRING.sub("''", text)))
        missing = [each for each in names if Param(each).name not in words]
        if missing:
            raise PreparedTextError(f"The text does not read {', '.join(missing)}; use the parameter or remove it.")
        return cls(text, frozenset(names), name)

    @cached_property
    def sources(self) -> frozenset[str]:
        """Parameters for which an empty list would mean everything, such as in ``V(xs)`` or ``outE(*ls)``."""
        found = _START.findall(_STRING.sub("''", self.text))
        return self.parameters & {name for pair in found for name in pair}

    def check(self, bindings: Mapping[str, object]) -> None:
        """Raise PreparedTextError if the names in ``bindings`` are not exactly the parameters.

        Raise it too if the value of one of :attr:`sources` is an empty list or None.
        """
        if bindings.keys() != self.parameters:
            wrong = ", ".join(sorted(bindings.keys() ^ self.parameters))
            raise PreparedTextError(f"Parameters and bindings differ in {wrong}; bind exactly the declared parameters.")
        empty = sorted(name for name in self.sources if bindings[name] in ([], (), None))
        if empty:
            raise PreparedTextError(f"An empty {', '.join(empty)} would mean everything; send no request.")
