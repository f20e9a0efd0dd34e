"""The recorded versions of a store are read also while another process writes them."""

from typing import Any

from app.graph.admin.schema_steps import SchemaPath
from app.graph.admin.stored_schema import read_stored_schema
from app.graph.driver.errors import TransientConflictError
from app.graph.driver.gremlin_client import GremlinClient


class LockedOnce(GremlinClient):
    """A client of a store in which a writer holds the lock of the record during the first request."""

    requests = 0

    async def submit(self, *_: Any, **__: Any) -> list[Any]:
        """Return a store without a record, except for the first request."""
        self.requests += 1
        if self.requests == 1:
            raise TransientConflictError("locked")
        return [{"state": None, "keys": {}}]


async def test_a_read_waits_for_the_lock_of_a_writer() -> None:
    """A start beside a copy into the store finds the record of the copy, instead of failing by its lock."""
    client = LockedOnce("http://127.0.0.1:1/gremlin")
    found = await read_stored_schema(client, SchemaPath(), "nodes")
    assert (found.recorded, client.requests) == (False, 2)
