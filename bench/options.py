"""The choices of a run, from the variables of ``make bench``."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from bench.questions import QUESTIONS
from bench.trees import FORMER
from bench.view import CALLERS

SIZES: Final = {"2k": 2_000, "20k": 20_000, "200k": 200_000}
"""Numbers of assets by the name of the estate."""

WRITES: Final = ("register", "bulk_load")
FAIRNESS: Final = "light_beside_hub"
NAMES: Final = (*QUESTIONS, FAIRNESS, *WRITES)
SIDES: Final = ("product", "former", "stock")

ValueT = TypeVar("ValueT")


class InvalidOptionError(Exception):
    """A variable has an invalid value; the message has the valid ones."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a run measures: estates by name, queries, connections, callers, sides, and for how long.

    ``seconds`` is the length of one of the ``slices`` of a measurement, and ``cold`` the number of restarts.
    """

    estates: tuple[str, ...]
    questions: tuple[str, ...]
    connections: tuple[int, ...]
    callers: tuple[str, ...]
    sides: tuple[str, ...]
    base: str
    seconds: float
    slices: int
    cold: int

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Options":
        """Return the options; an absent or empty variable has its default. Raises InvalidOptionError."""
        return cls(
            estates=_named(env, "ESTATE", "2k,20k", [*SIZES]),
            questions=_named(env, "QUESTIONS", ",".join(NAMES), NAMES),
            connections=tuple(_numbers(env, "C", "1,8,32", int)),
            callers=_named(env, "CALLERS", ",".join(CALLERS), [*CALLERS]),
            sides=_named(env, "SIDES", ",".join(SIDES), SIDES),
            base=env.get("BASE") or FORMER,
            seconds=_numbers(env, "SECONDS", "2", float)[0],
            slices=_numbers(env, "SLICES", "3", int)[0],
            cold=_numbers(env, "COLD", "3", int, least=0)[0],
        )

    @property
    def reads(self) -> tuple[str, ...]:
        """The names of the chosen queries."""
        return tuple(name for name in self.questions if name in QUESTIONS)


def _named(env: Mapping[str, str], key: str, default: str, valid: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    found = tuple(name.strip() for name in (env.get(key) or default).split(","))
    if not set(found) <= set(valid):
        raise InvalidOptionError(f"{key} is {env[key]!r}; set it to some of {', '.join(valid)}, separated by commas.")
    return found


def _numbers(
    env: Mapping[str, str], key: str, default: str, read: Callable[[str], ValueT], least: float = 1e-9
) -> list[ValueT]:
    try:
        found = [read(each) for each in (env.get(key) or default).split(",")]
    except ValueError:
        found = []
    if not found or any(float(str(each)) < least for each in found):
        raise InvalidOptionError(f"{key} is {env[key]!r}; set it to a positive number, such as {default}.")
    return found
