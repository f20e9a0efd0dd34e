"""Finds an embedded store that another process runs."""

import re
from pathlib import Path

from app.store.embedded.data_lock import LOCK_FILE, is_alive, read_holders
from app.store.embedded.embedded_store import STORE_USER
from app.store.embedded.port import LOOPBACK
from app.store.embedded.secret_file import read_secret
from app.store.store_endpoint import StoreEndpoint

_SERVER_CONFIG = "gremlin-server.yaml"
_PORT = re.compile(r"(?m)^port: (\d+)$")


def running_endpoint(folder: Path) -> StoreEndpoint | None:
    """Return the endpoint of the JVM on the data in the store's ``folder``, None without a JVM, its port or its secret.

    A JVM that is starting may not respond yet. One whose owner was killed is ending, and does not count. Raises
    PermissionError if the store belongs to another user.
    """
    holders = read_holders(folder / LOCK_FILE)
    if holders is None or holders["jvm"] is None or not (is_alive(holders["owner"]) and is_alive(holders["jvm"])):
        return None
    found = _PORT.search((folder / _SERVER_CONFIG).read_text())
    secret = read_secret(folder)
    if found is None or secret is None:
        return None
    return StoreEndpoint(f"http://{LOOPBACK}:{found.group(1)}/gremlin", STORE_USER, secret)
