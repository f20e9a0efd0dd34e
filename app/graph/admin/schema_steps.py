"""The versions of the store's schema, and the steps from each to the next.

Labels, property keys and indexes of new relations need no step: they are added when a process starts. A step adds
native properties to the mixed index, which JanusGraph's own initialisation would ignore. Existing vertices then get
their values from their records.

A store records two versions (:mod:`app.graph.admin.stored_schema`): its own, and the oldest of a program that may still
run on it. So the processes of a store can be replaced one by one, if the step allows that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

FIRST_VERSION: Final = 5
"""Version of the schema from which there are steps; older data are exported and imported."""


@dataclass(frozen=True, slots=True)
class SchemaStep:
    """A step to the next version: the native properties ``indexed`` join the mixed index.

    ``adds`` says what they are, in words. ``online`` states that programs of the version before may go on writing
    meanwhile: they do not write the new values, which `mlg store upgrade` completes. With ``online=False`` they are
    refused from the begin of the step.
    """

    adds: str
    indexed: tuple[str, ...]
    online: bool = True


STEPS: Final[tuple[SchemaStep, ...]] = (
    # newest first; docs/recipes/new_native_property.md shows how one is added
    SchemaStep("the paths of code and data", ("codePaths", "dataPaths")),
)
"""All steps since FIRST_VERSION. If two branches each add one, their merge has one version more than either branch."""

VERSION: Final = FIRST_VERSION + len(STEPS)
"""Version of the schema in this program."""


@dataclass(frozen=True, slots=True)
class SchemaPath:
    """The steps that a program has; those of the product are :data:`STEPS`, newest first."""

    steps: Sequence[SchemaStep] = STEPS

    @property
    def version(self) -> int:
        """The version after all steps."""
        return FIRST_VERSION + len(self.steps)

    def after(self, version: int) -> list[tuple[int, SchemaStep]]:
        """Return the steps that follow a version, oldest first, each with the version that it leads to."""
        numbered = [*enumerate(reversed(self.steps), start=FIRST_VERSION + 1)]
        return [(number, step) for number, step in numbered if number > version]

    @property
    def upgrades(self) -> frozenset[int]:
        """The older versions that the steps upgrade."""
        return frozenset(range(FIRST_VERSION, self.version))

    @property
    def at_start(self) -> frozenset[int]:
        """Those of :attr:`upgrades` from which all steps are online."""
        return frozenset(each for each in self.upgrades if _all_online(step for _, step in self.after(each)))


def _all_online(steps: Iterable[SchemaStep]) -> bool:
    return all(step.online for step in steps)
