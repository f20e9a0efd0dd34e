"""The commands `mlg store …` as processes of their own."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path

from support.source_tree import ROOT
from support.stores.janusgraph import store_settings


@dataclass(frozen=True)
class Ended:
    """A command that has ended; ``errors`` is without line breaks, which the width of the terminal inserts."""

    code: int
    output: str
    errors: str


def command_environment(folder: Path) -> dict[str, str]:
    """Return the environment of commands on the embedded store in a folder."""
    settings = store_settings(folder)
    own = {
        "MLG_DATA_DIR": str(folder),
        "MLG_CACHE_DIR": str(settings.cache_dir),
        "MLG_STORE_PROFILE": "test",
        "MLG_STORE_HEAP": "512m",
    }
    return os.environ | own


async def store_command(folder: Path, *arguments: object, **more: str) -> Ended:
    """Run `mlg store` with arguments on the data in a folder, with more environment variables, and return its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "store", *map(str, arguments)),
        stdout=PIPE,
        stderr=PIPE,
        cwd=ROOT,
        env=command_environment(folder) | more,
    )
    output, errors = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, output.decode(), " ".join(errors.decode().split()))


async def succeeded(folder: Path, *arguments: object, **more: str) -> str:
    """Return the output of a command that must succeed."""
    ended = await store_command(folder, *arguments, **more)
    assert ended.code == 0, ended.errors
    return ended.output


async def digest_of_store(folder: Path, *arguments: object) -> str:
    """Return the digest that `mlg store digest` prints."""
    return (await succeeded(folder, "digest", *arguments)).split()[0]
