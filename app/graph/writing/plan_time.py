"""The time that the plan of a transaction may take: all other writers wait for it.

It is counted in CPU time of the items, so that no call is divided only because the machine is busy. The effects of a
batch on other assets count by what they read of lineage, because a raise follows it level by level: no further batch
begins after long ones. Other reads do not count.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from time import thread_time
from typing import Final

from graphql_schema.ports.outcomes import WriteOutcome
from policies.errors import LimitError

PLAN_SECONDS: Final = 0.3
"""CPU time in seconds after which the plan of a transaction begins no further item; later transactions have the others.

250 registrations with descriptions and up to 20 edges take 0.03 to 0.35 s, so few honest calls are divided, which costs
them a commit of some 0.03 s. One link takes 0.01 s if it names the user of a run with 5,000 outputs.
"""

READ_SECONDS: Final = 0.005
"""Seconds as which a request of effects counts, and once more for READ_CHARACTERS characters of records.

Most take 0.002 s. A transaction begins no further item after 60 of them.
"""

READ_CHARACTERS: Final = 256 * 1024

VISIT_SECONDS: Final = 0.000_02
"""Seconds as which each edge counts that such a request visits, and each vertex where edges start."""

MAX_ATOMIC_SECONDS: Final = 2
"""CPU time in seconds after which an atomic call is refused, whose items are in one transaction.

200 registrations, the most that an atomic call has, take up to 0.3 s, and so do 2,500 references.
"""


@dataclass(slots=True)
class PlanTime:
    """The time of one plan, which is made again after each of its reads.

    ``seconds`` has those of the items of each batch in all rounds, and under None those of all effects.
    ``round_seconds`` are those of this round, ``count`` is the number of its items, and ``max_count`` is the number of
    them after which its time is over.
    """

    seconds: dict[object, float] = field(default_factory=lambda: defaultdict(float))
    round_seconds: float = 0.0
    count: int = 0
    max_count: float = inf

    def begin_round(self) -> None:
        """Begin to plan from the first item; if the time was over, for at most half of the items of the last round."""
        if sum(self.seconds.values()) > PLAN_SECONDS:
            self.max_count = max(1, self.count // 2)
        self.round_seconds, self.count = 0.0, 0

    @property
    def is_over(self) -> bool:
        """Whether this round should begin no further item, after at least one."""
        return self.round_seconds > PLAN_SECONDS or self.count >= self.max_count

    def count_read(self, characters: int, visited: int) -> None:
        """Count a request of effects that has read records of this many characters, and visited so many edges."""
        taken = READ_SECONDS * (1 + characters / READ_CHARACTERS) + VISIT_SECONDS * visited
        self.seconds[None] += taken
        self.round_seconds += taken

    def refuse_long(self, batch: object) -> None:
        """Raise LimitError if a batch, that of an atomic call, has taken longer than it may."""
        if self.seconds[batch] > MAX_ATOMIC_SECONDS:
            raise LimitError(
                f"The items of an atomic call may take {MAX_ATOMIC_SECONDS} seconds of computation, and these take "
                "longer; nothing was written. Split the call, or send it without `atomic`.",
                limit="atomicSeconds",
                maximum=MAX_ATOMIC_SECONDS,
            )

    def timed(self, planner: Callable[[], WriteOutcome], batch: object) -> WriteOutcome:
        """Return the outcome of an item of a batch, and count it with the time that its plan takes in this thread."""
        begun = thread_time()
        try:
            return planner()
        finally:
            taken = thread_time() - begun
            self.seconds[batch] += taken
            self.round_seconds += taken
            self.count += 1
