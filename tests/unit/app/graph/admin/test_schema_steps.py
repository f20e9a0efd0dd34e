"""The steps between versions of the schema: their numbers, and from which versions a start may take them."""

import pytest

from app.graph.admin.schema_steps import FIRST_VERSION, STEPS, VERSION, SchemaPath, SchemaStep

ONLINE = SchemaStep("a", ("a",))
OFFLINE = SchemaStep("b", ("b",), online=False)


@pytest.mark.parametrize(
    ("steps", "at_start"),
    [((), set()), ((ONLINE,), {0}), ((ONLINE, ONLINE), {0, 1}), ((ONLINE, OFFLINE), {1}), ((OFFLINE, ONLINE), set())],
)
def test_a_start_takes_only_steps_online(steps: tuple[SchemaStep, ...], at_start: set[int]) -> None:
    """From each older version there is a path; a start takes it if all its steps are online. Newest first."""
    path = SchemaPath(steps)
    assert path.version == FIRST_VERSION + len(steps)
    assert path.upgrades == {FIRST_VERSION + number for number in range(len(steps))}
    assert path.at_start == {FIRST_VERSION + number for number in at_start}


def test_steps_follow_a_version_in_order() -> None:
    """The steps after a version are the oldest first, with the versions to which they lead."""
    path = SchemaPath((OFFLINE, ONLINE))
    assert path.after(FIRST_VERSION) == [(FIRST_VERSION + 1, ONLINE), (FIRST_VERSION + 2, OFFLINE)]
    assert path.after(FIRST_VERSION + 1) == [(FIRST_VERSION + 2, OFFLINE)]
    assert path.after(path.version) == []


def test_the_version_of_the_product_is_that_of_its_steps() -> None:
    """Each step raises the version by one."""
    assert SchemaPath().version == VERSION == FIRST_VERSION + len(STEPS)
