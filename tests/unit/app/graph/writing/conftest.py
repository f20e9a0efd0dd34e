"""Fixtures of the writer's unit tests: batches planned over a store in memory."""

import pytest
from support.stores.in_memory_writer import Memory
from support.stores.memory_store import Callers, MemoryStore
from support.stores.writers import shipped_policy

from policies.policy import Policy


@pytest.fixture(scope="session")
def policy() -> Policy:
    """Load the shipped policy."""
    return shipped_policy()


@pytest.fixture
def memory(policy: Policy) -> Memory:
    """Return an empty store."""
    return Memory(policy)


@pytest.fixture
def callers(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> Callers:
    """Return callers over an empty store in memory."""
    store = MemoryStore(memory)
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    return Callers(store)
