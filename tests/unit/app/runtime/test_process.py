"""A process opens its parts in order, serves with them, and closes them in reverse."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

import pytest

from app.auth.authenticator import Authenticator
from app.graph.admin.store_probe import StoreProbe
from app.graph.commits.outbox_entry import OUTBOX_ROOT
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.errors import StoreFailedError, StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.touched import Touched
from app.runtime import process as process_module
from app.runtime.process import Process
from app.settings import Settings
from app.store.errors import StoreReason
from policies.installation.reserved_names import load_reserved_names


class WorkingHost:
    """The host of a store that works."""

    starts = 1

    def free_bytes(self) -> int:
        """Return some bytes."""
        return 1

    def outage(self) -> StoreReason | None:
        """Return that there is none."""
        return None

    def has_space(self) -> bool:
        """Return that there is space."""
        return True

    async def restart(self, _reason: StoreReason) -> None:
        """Do nothing."""


class EmptyStore(GremlinClient):
    """A client of a store without records; ``steps`` lists what happens to it."""

    is_indexed = True
    is_hosted = False

    def __init__(self, steps: list[str], *, keeps_writes: bool = True) -> None:
        super().__init__("http://127.0.0.1:1", host=WorkingHost() if self.is_hosted else None)
        self._steps = steps
        self._keeps_writes = keeps_writes
        self._value: object = ""

    async def __aenter__(self) -> Self:
        self._steps.append("store opened")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._steps.append("store closed")

    async def submit(
        self,
        _: PreparedStatement,
        bindings: Mapping[str, object],
        *,
        writes: Touched | bool = False,
        check: object = None,  # noqa: ARG002 - as the client has it
        caller: object = None,  # noqa: ARG002 - as the client has it
    ) -> list[Any]:
        """Return no rows; for the outbox a list of no rows, for the probe what was written or what was before."""
        if "nonce" in bindings:
            self._steps.append("store checked")
            self._value = bindings["nonce"] if self._keeps_writes else ""
            return [True]
        if "mark" in bindings:
            return [[self._value, self.is_indexed]]
        if "x" in bindings:
            return [{"at": 0, "note": None, "notes": []}]
        assert not writes
        return [[]] if bindings.get("xs") == [OUTBOX_ROOT] else []


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return development settings; without rules no derivation is scheduled at start."""
    return Settings.from_env({"MLG_DATA_DIR": str(tmp_path), "MLG_ENRICHMENT": "0"})


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of steps, which the end of the authenticator is added to."""
    found: list[str] = []

    async def aclose(_: Authenticator) -> None:
        found.append("authenticator closed")

    monkeypatch.setattr(Authenticator, "aclose", aclose)
    return found


def process(settings: Settings, steps: list[str], *, keeps_writes: bool = True) -> Process:
    """Return a process over an empty store, whose jobs are two steps."""

    @asynccontextmanager
    async def jobs(_client: GremlinClient, _coordinator: WriteCoordinator) -> AsyncIterator[None]:
        steps.append("jobs started")
        try:
            yield
        finally:
            steps.append("jobs stopped")

    return Process(settings, lambda _: EmptyStore(steps, keeps_writes=keeps_writes), jobs)


CLOSED = ["jobs stopped", "store closed", "authenticator closed"]


async def test_parts_close_in_reverse_order(settings: Settings, steps: list[str]) -> None:
    """Jobs stop before the store closes, and the process serves with the client that the opener returned."""
    made = process(settings, steps)
    async with made.running() as running:
        assert steps == ["store opened", "store checked", "jobs started"]
        assert made.opened is running
        assert running.contexts.client is running.client
    assert steps[3:] == CLOSED


async def test_writers_use_the_reserved_names_of_the_file(
    settings: Settings, steps: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The process reads the file at start, with the kinds and the teams of the catalog."""
    path, team = tmp_path / "names.toml", "mlg://team/catalog/default/ranking"
    path.write_text(f'[[reserved]]\nid = "a"\ndoc = "Why."\nowner = "{team}"\nsources = ["airflow"]\n')
    monkeypatch.setattr(process_module, "load_reserved_names", partial(load_reserved_names, path=path))
    async with process(settings, steps).running() as running:
        names = running.contexts.coordinator.reserved_names
    assert [names.owner(kind, "airflow", "x") for kind in ("Run", "ModelVersion", "Team")] == [team, "", ""]


async def test_parts_close_after_an_error(settings: Settings, steps: list[str]) -> None:
    """An error while serving closes the same parts in the same order, and is raised."""

    async def serve() -> None:
        async with process(settings, steps).running():
            raise RuntimeError("canary")

    with pytest.raises(RuntimeError, match="canary"):
        await serve()
    assert steps[3:] == CLOSED


async def test_a_store_that_loses_writes_stops_the_start(settings: Settings, steps: list[str]) -> None:
    """After a failed self-check no job starts, and what is open is closed."""
    with pytest.raises(StoreFailedError):
        async with process(settings, steps, keeps_writes=False).running():
            pytest.fail("the process serves over a store that loses writes")
    assert steps == ["store opened", "store checked", "store closed", "authenticator closed"]


@pytest.mark.parametrize("hosted", [False, True])
async def test_an_external_store_whose_index_lacks_documents_is_served(
    settings: Settings, steps: list[str], monkeypatch: pytest.MonkeyPatch, *, hosted: bool
) -> None:
    """The process starts, so that its job can repair the index, and is not ready; a hosted store stops the start."""
    monkeypatch.setattr(EmptyStore, "is_indexed", False)
    monkeypatch.setattr(EmptyStore, "is_hosted", hosted)
    monkeypatch.setattr(StoreProbe.__init__, "__defaults__", (0.0,))
    made = process(settings, steps)
    if hosted:
        with pytest.raises(StoreUnavailableError, match="index of the store lacks documents"):
            async with made.running():
                pytest.fail("the process serves over a hosted store without an index")
        return
    async with made.running() as running:
        assert "jobs started" in steps
        with pytest.raises(StoreUnavailableError) as error:
            await running.readiness.check()
        assert error.value.reason is StoreReason.INDEX
