"""Assets without usage: decided by the index, or by the services visible to the caller."""

from dataclasses import dataclass
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.graph.reading.unused_assets import UndecidedAssets, unused_by_index
from graphql_schema.ports.conditions import ALWAYS, Condition, matches
from graphql_schema.rules.usage_days import begin_of

BEGIN = date(2026, 3, 10)
"""The first day of the window."""

days = st.integers(-60, 5).map(lambda offset: BEGIN + timedelta(days=offset))


@dataclass(frozen=True)
class Usage:
    """An asset: the day of its begin, the days of use by teams and users, and by visible and hidden services."""

    begins: date
    open: tuple[date, ...]
    visible: tuple[date, ...]
    hidden: tuple[date, ...]

    def unused(self, *, sees_all: bool) -> bool:
        """Return whether the asset is unused for the caller: the definition."""
        used = (*self.open, *self.visible, *(self.hidden if sees_all else ()))
        return max(used) < BEGIN if used else self.begins < BEGIN

    def meets(self, condition: Condition) -> bool:
        """Return whether the index finds the asset by a condition."""
        values = {"begins": begin_of(self.begins)}
        for key, used in (("usedAt", self.open), ("servedAt", (*self.visible, *self.hidden))):
            values[key] = begin_of(max(used)) if used else 0
        return matches(condition, values.get)


few = st.lists(days, max_size=2).map(tuple)
usages = st.builds(Usage, days, few, few, few)


@given(usages)
def test_the_index_decides_everything_for_a_caller_who_sees_all(usage: Usage) -> None:
    """Without hidden services, the condition is the definition."""
    assert usage.meets(unused_by_index(BEGIN, sees_all=True)) is usage.unused(sees_all=True)


@given(usages)
def test_usage_by_services_decides_the_rest(usage: Usage) -> None:
    """An asset is unused if the index says so, or if it is undecided and its visible uses since a month say so."""
    found = usage.meets(unused_by_index(BEGIN, sees_all=False))
    for young in (False, True):
        undecided = UndecidedAssets(ALWAYS, BEGIN, young)
        if usage.meets(undecided.condition()):
            assert not found
            read = [day.isoformat() for day in usage.visible if begin_of(day) >= undecided.since]
            found = undecided.is_unused(max(read, default=None))
    assert found is usage.unused(sees_all=False)
