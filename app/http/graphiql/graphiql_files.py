"""The files of GraphiQL and React that the page loads, kept in ``MLG_CACHE_DIR``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from app.http.npm.npm_files import cached, fetched
from app.settings import Settings

LOCK: Final = Path(__file__).with_name("graphiql.lock")
_FOLDER: Final = "graphiql"


def cached_files(settings: Settings) -> Mapping[str, bytes] | None:
    """Return the contents of all locked files by name, None if one is missing in the cache or differs from the lock."""
    return cached(LOCK, settings.cache_dir / _FOLDER)


def fetch_files(settings: Settings) -> Mapping[str, bytes]:
    """Return the contents of all locked files by name, from the cache or from npm.

    Raises ConfigurationError if npm is missing or fails, or if a file differs from the lock.
    """
    return fetched(LOCK, settings.cache_dir / _FOLDER)
