"""The embedded store on a real JVM with BerkeleyJE: what survives what, and what is refused."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from harness import host_process_path
from harness.janusgraph import TestGraph, store_settings
from harness.sample_schema import sample_schema
from harness.waiting import until

from app.store.embedded import LOG, EmbeddedStore, RestartPolicy, StoreState
from app.store.errors import DataInUseError, PortBusyError, SchemaMismatchError, StoreStartError
from app.store.ownership import is_alive

ADD = "g.addV('Model').property(T.id, x).property('urn', urn).property('name', urn).iterate()"
URNS = "g.V().has('urn', urn).values('urn')"
BY_TEXT = "g.V().has('Model', 'name', textContains(word)).values('urn')"
AT_ONCE = RestartPolicy(first_pause=0.01, deaths=2)


def client(url: str) -> TestGraph:
    """Return a client of the store's own graph."""
    return TestGraph(url, "g")
