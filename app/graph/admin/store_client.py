"""Connects a command to a store that its operator names: a Gremlin URL, or the data folder of an embedded store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from app.graph.admin.elements.store_digest import StoreDigest, digest_of
from app.graph.admin.elements.work_progress import WorkProgress
from app.graph.admin.reindex import MixedIndex
from app.graph.admin.schema_steps import SchemaPath
from app.graph.admin.schema_upgrade import SchemaUpgrade
from app.graph.admin.store_schema import store_schema
from app.graph.admin.stored_schema import StoredSchema, read_stored_schema
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.native.mixed_index import INDEX
from app.settings import Settings
from app.store.embedded.embedded_store import STORE_FOLDER, EmbeddedStore
from app.store.embedded.index_files import refuse_without_data
from app.store.embedded.running_store import running_endpoint
from app.store.store_endpoint import external_endpoints

DEADLINE: Final = 600.0
"""Seconds for one request of a command."""


def product_store(settings: Settings, *, copying: bool = False) -> EmbeddedStore:
    """Return the embedded store with the schema and the index of the product; it is not started.

    Only with ``copying`` does it start if it has an unfinished copy, and then its index is rebuilt.
    """
    index = MixedIndex(settings.store_deadline)
    return EmbeddedStore(settings, store_schema(), index=index, keeper=SchemaUpgrade(alone=True, copying=copying))


@asynccontextmanager
async def embedded_client(settings: Settings, *, copying: bool = False) -> AsyncIterator[GremlinClient]:
    """Connect to the embedded store that another process runs; if none does, start the store and stop it at exit.

    ``copying`` states that it is the target of a copy: it may have no data, or an unfinished copy. Raises
    DataMissingError if others have no data, and the errors of the start of a store.
    """
    folder = store_folder(settings)
    if not copying:
        refuse_without_data(folder)
    endpoint = running_endpoint(folder)
    if endpoint is not None:
        async with GremlinClient(endpoint, deadline=DEADLINE) as client:
            yield client
        return
    async with (
        product_store(settings, copying=copying) as store,
        GremlinClient(store.endpoint, deadline=DEADLINE) as client,
    ):
        yield client


@asynccontextmanager
async def store_at(settings: Settings, place: str, *, copying: bool = False) -> AsyncIterator[GremlinClient]:
    """Connect to the store at ``place``, a Gremlin URL or a data folder; an empty one is that of the settings.

    ``copying`` and what is raised are as in :func:`embedded_client`, and ConfigurationError for an invalid URL.
    """
    endpoints = (
        external_endpoints(replace(settings, store_url=place, store_user="", store_password=""))
        if "://" in place
        else ()
    )
    if not place:
        endpoints = external_endpoints(settings)
    if endpoints:
        async with GremlinClient(endpoints, deadline=DEADLINE) as client:
            yield client
        return
    async with embedded_client(_settings_of(settings, place), copying=copying) as client:
        yield client


def runs_embedded(settings: Settings, place: str) -> bool:
    """Return whether a process runs the embedded store at ``place``, a data folder or empty for the settings."""
    return "://" not in place and running_endpoint(store_folder(_settings_of(settings, place))) is not None


def _settings_of(settings: Settings, place: str) -> Settings:
    """Return the settings of an embedded store whose data folder is ``place``, those given if it is empty."""
    return replace(settings, data_dir=Path(place), store_url="", store_port=0) if place else settings


async def upgrade_store(settings: Settings, progress: WorkProgress) -> StoredSchema:
    """Bring the store of the settings to the schema of this program, and return its state.

    An embedded store must not run. Raises as :meth:`SchemaUpgrade.prepare` and :func:`store_at`.
    """
    upgrade = SchemaUpgrade(commanded=True, alone=not settings.store_url, progress=progress)
    endpoints = external_endpoints(settings)
    if endpoints:
        async with GremlinClient(endpoints, deadline=DEADLINE) as client:
            return await upgrade.prepare(client)
    refuse_without_data(store_folder(settings))
    index = MixedIndex(settings.store_deadline)
    async with (
        EmbeddedStore(settings, store_schema(), index=index, keeper=upgrade) as store,
        GremlinClient(store.endpoint, deadline=DEADLINE) as client,
    ):
        return await read_stored_schema(client, SchemaPath(), INDEX)


async def digest_at(settings: Settings, place: str, progress: WorkProgress) -> StoreDigest:
    """Return the digest of the store at ``place``; raises as :func:`store_at`."""
    async with store_at(settings, place) as client:
        return await digest_of(client, progress.begin("reading vertices"))


def store_folder(settings: Settings) -> Path:
    """Return the folder of the embedded store."""
    return settings.data_dir.absolute() / STORE_FOLDER
