"""The sources of an earlier release: the last tag, or the commit before without a tag."""

import os
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

from support.source_tree import ROOT


def _git(*arguments: str) -> bytes:
    return subprocess.run(("git", "-C", str(ROOT), *arguments), check=True, capture_output=True).stdout  # noqa: S603, S607 - our own repository


def earlier_reference() -> str:
    """Return the name of the earlier release: OLD of the environment, else the last tag before HEAD, else HEAD^."""
    if given := os.environ.get("OLD"):
        return given
    try:
        return _git("describe", "--tags", "--abbrev=0", "HEAD^").decode().strip()
    except subprocess.CalledProcessError:
        return "HEAD^"


def earlier_release(folder: Path) -> Path:
    """Write the sources of the earlier release into a folder, and return the folder."""
    with tarfile.open(fileobj=BytesIO(_git("archive", earlier_reference()))) as archive:
        archive.extractall(folder, filter="data")
    return folder
