"""One caller does not fill the store: others have slots there, and writers before all who read."""

import asyncio
from typing import Any

import pytest
from support.servers.in_process import Api, observes_one_process
from support.waiting import until

from app.graph.reading.level.level_statement import LEVEL

DATASET = "mlg://dataset/test/default/d"
READ = "query ($id: ID!) { assets(filter: {ids: [$id]}) { nodes { id } } }"
REGISTER = "mutation ($input: DatasetInput!) { registerDataset(input: $input) { asset { id } } }"


@observes_one_process
async def test_slow_requests_of_a_caller_leave_slots_of_the_store(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four queries and eight mutations of a caller, whose reads take long, have three of the eight slots of the store.

    Others read and write meanwhile.
    """
    await api.load({"dataset": {"id": DATASET}})
    await asyncio.gather(*(api.send(who, "{ viewer { subject } }") for who in ("ada", "bo", "root")))
    done, held, is_slow = asyncio.Event(), list[Any](), True
    send_to_store = api.client.transport.rows  # a request that is sent has its slot

    async def slow(call: Any) -> Any:
        if is_slow and call.prepared is LEVEL:
            held.append(call)
            await done.wait()
        return await send_to_store(call)

    def occupied() -> bool:
        return len(held) + api.client.slots.waiting == 12

    monkeypatch.setattr(api.client.transport, "rows", slow)
    calls = [api.send("ada", READ, id=DATASET) for _ in range(4)]
    calls += [api.send("ada", REGISTER, input={"id": f"{DATASET}-{number}"}) for number in range(8)]
    running = asyncio.gather(*calls)
    await until(occupied)
    is_slow = False
    assert len(held) == 3
    assert (await api.ask("bo", READ, id=DATASET))["assets"]["nodes"] == [{"id": DATASET}]
    registered = await api.ask("root", REGISTER, input={"id": f"{DATASET}-beside"})
    assert registered["registerDataset"]["asset"]["id"] == f"{DATASET}-beside"
    assert occupied()
    done.set()
    assert [body.get("errors") for body in await running] == [None] * 12
