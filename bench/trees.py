"""The source trees that are measured: this one, and an older commit, which is unpacked beside it once."""

import ast
import hashlib
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
"""The source tree of this bench."""

FORMER: Final = "fe1e7699fd7fee7c7bb524facea50ae226b35eb2"
"""The default of ``BASE``: the last commit before documents, tokens and records were cached."""

STORED: Final = (
    "app/graph/admin/store_schema.py",
    "app/graph/records",
    "app/store/embedded/conf",
    "app/store/embedded/janusgraph.lock",
    *(f"graphql_schema/catalog/{name}.py" for name in ("kinds", "relations", "properties", "urn", "index_values")),
)
"""Files and folders that determine the stored data."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A source tree, and its commit as people write it."""

    folder: Path
    commit: str

    @property
    def stored_format(self) -> str:
        """Return a short hash of the sources that determine the stored data, without their docstrings and comments."""
        found = hashlib.sha256()
        for name in STORED:
            path = self.folder / name
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file() and file.suffix != ".pyc":
                    found.update(statements(file))
        return found.hexdigest()[:12]


def statements(file: Path) -> bytes:
    """Return the content of a file; of Python the statements without docstrings and comments."""
    if file.suffix != ".py":
        return file.read_bytes()
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [each for each in body if not _is_text(each)]  # type: ignore[attr-defined]
    return ast.dump(tree).encode()


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def this_tree() -> Tree:
    """Return the tree of this bench; its commit has a ``+`` if files differ from it."""
    commit = _git("rev-parse", "--short=10", "HEAD") or "unknown"
    return Tree(ROOT, commit + ("+" if _git("status", "--porcelain", "--untracked-files=no") else ""))


def former_tree(base: str, cache: Path) -> Tree | None:
    """Return the tree of a commit, unpacked in the cache; None if this clone does not have the commit.

    It is unpacked from the repository instead of checked out, so that the list of work trees remains as it is.
    """
    commit = _git("rev-parse", "--verify", "--quiet", f"{base}^{{commit}}")
    if not commit:
        return None
    folder = cache / "trees" / commit
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        _unpack(commit, folder)
    return Tree(folder, commit[:10])


def _unpack(commit: str, folder: Path) -> None:
    """Write the files of a commit to a folder, which appears when it is complete."""
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout  # noqa: S603, S607 - a hash of git, without a shell
    scratch = Path(tempfile.mkdtemp(dir=folder.parent))
    subprocess.run(["tar", "-x", "-C", str(scratch)], input=packed, check=True)  # noqa: S603, S607 - a path of this module
    scratch.rename(folder)


def _git(*arguments: str) -> str:
    """Return what git prints, empty if it fails or is absent."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, check=False, capture_output=True, text=True)  # noqa: S603, S607 - fixed names and a revision, without a shell
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
