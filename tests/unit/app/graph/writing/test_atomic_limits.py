"""The limits of an atomic call, which are compared before anything is read."""

from typing import Any, cast

import pytest
from support.stores.writers import Writers, asset, person, shipped_stops

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.writing.unit.item_size import text_length
from app.graph.writing.writer import MAX_ATOMIC_TEXT
from graphql_schema.ports.commands import Command
from policies.errors import LimitError
from policies.policy import Policy


async def test_descriptions_are_measured_up_to_the_first_that_is_too_much(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To measure a million characters takes 10 ms of the event loop, for each call that is refused."""
    measured = list[Command]()

    def length(item: Command) -> int:
        measured.append(item)
        return text_length(item)

    monkeypatch.setattr("app.graph.writing.writer.text_length", length)
    count = 10
    text = "x" * (MAX_ATOMIC_TEXT // count)
    items = [asset(f"dataset d{number}", {"description": text}) for number in range(5 * count)]
    no_store = cast("Any", None)
    writer = Writers(no_store, policy, WriteCoordinator(shipped_stops())).of(person("root", roles="admin"))
    with pytest.raises(LimitError):
        await writer.write(items, dry_run=False, atomic=True)
    assert len(measured) == count + 1
