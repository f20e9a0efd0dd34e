"""The programs of Prometheus: those on the PATH, or those of the Debian package, fetched once and not installed."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from app.settings import Settings


@dataclass(frozen=True, slots=True)
class PrometheusTools:
    """Paths of the server and of promtool."""

    prometheus: Path
    promtool: Path


def prometheus_tools() -> PrometheusTools:
    """Return the programs; fail with advice if there are none."""
    found = shutil.which("prometheus"), shutil.which("promtool")
    if all(found):
        return PrometheusTools(*(Path(str(each)) for each in found))
    folder = Settings.from_env({}).cache_dir / "prometheus"
    if not (folder / "usr/bin/promtool").exists():
        _fetch(folder)
    return PrometheusTools(folder / "usr/bin/prometheus", folder / "usr/bin/promtool")


def _fetch(folder: Path) -> None:
    apt, dpkg = shutil.which("apt-get"), shutil.which("dpkg-deb")
    if not apt or not dpkg:
        pytest.fail("There is no promtool and no apt-get: install Prometheus, so that both of its programs are found.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as scratch:
        for words in (("download", "prometheus"), ("update",), ("download", "prometheus")):
            done = subprocess.run((apt, "-q", *words), cwd=scratch, capture_output=True, text=True, check=False)  # noqa: S603 - constant words
            packages = [*Path(scratch).glob("prometheus_*.deb")]
            if packages:
                break
        else:
            pytest.fail(f"apt-get has no package prometheus: install Prometheus by hand.\n{done.stderr}")
        unpacked = Path(scratch) / "unpacked"
        subprocess.run((dpkg, "-x", packages[0], unpacked), check=True)  # noqa: S603 - as above
        unpacked.rename(folder)
