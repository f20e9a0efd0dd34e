"""Finds an embedded store that another process runs."""

import re
from pathlib import Path

from app.store.embedded.data_lock import LOCK_FILE, is_alive, read_holders
from app.store.embedded.port import LOOPBACK

_SERVER_CONFIG = "gremlin-server.yaml"
_PORT = re.compile(r"(?m)^port: (\d+)$")


def running_url(folder: Path) -> str | None:
    """Return the Gremlin URL of the JVM that runs on the data in the store's ``folder``, None if no JVM runs."""
    holders = read_holders(folder / LOCK_FILE)
    if holders is None or holders["jvm"] is None or not is_alive(holders["jvm"]):
        return None
    found = _PORT.search((folder / _SERVER_CONFIG).read_text())
    return None if found is None else f"http://{LOOPBACK}:{found.group(1)}/gremlin"
