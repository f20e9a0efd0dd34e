"""Generates the Python client from the SDL and builds its wheel: ``python clients/python/build.py FOLDER``.

The generator is locked in ``requirements/clients.txt`` and has an environment of its own, because it needs another
release of graphql-core than the product. Nothing that is generated is committed, so that it cannot differ from the SDL.
"""

import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LOCK = ROOT / "requirements" / "clients.txt"
ENVIRONMENT = ROOT / ".venv-clients"
UV = Path(sys.executable).with_name("uv")


def main(folder: Path) -> None:
    """Build the wheel into ``folder``."""
    _prepare_environment()
    with TemporaryDirectory() as name:
        work = Path(name)
        shutil.copytree(HERE, work, dirs_exist_ok=True)
        shutil.copytree(HERE.parent / "operations", work / "operations")
        shutil.copy(ROOT / "graphql_schema" / "schema.graphql", work)
        _run(ENVIRONMENT / "bin" / "ariadne-codegen", cwd=work)
        (work / "mlgraph_client" / "py.typed").touch()
        _run(UV, "build", "--quiet", "--wheel", "--offline", "--no-build-isolation", "--out-dir", folder, cwd=work)


def _prepare_environment() -> None:
    """Install the generator, unless it is installed from the same lock."""
    stamp, digest = ENVIRONMENT / ".lock", sha256(LOCK.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return
    _run(UV, "venv", "--quiet", "--clear", "--python", sys.executable, ENVIRONMENT, cwd=ROOT)
    _run(UV, "pip", "sync", "--quiet", "--require-hashes", "--python", ENVIRONMENT / "bin" / "python", LOCK, cwd=ROOT)
    stamp.write_text(digest)


def _run(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run([*command], cwd=cwd, capture_output=True, text=True, check=False)  # noqa: S603 - own commands
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
