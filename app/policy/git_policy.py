"""Another version of the policy: that of a git reference, read beside the schema of the working tree."""

import subprocess
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from policies.errors import ConfigurationError, InvalidError
from policies.governed import Governed
from policies.labels import COMMON_SECTION
from policies.policy import SHIPPED, Policy
from policies.vocabulary import Label, Labels

BESIDE: Final = ("personas.toml", "roles.toml", "sensitivity.toml")
"""What stands beside rules and labels, and is today's on both sides."""


def policy_of(ref: str, governed: Governed, current: Labels) -> tuple[Policy, list[str]]:
    """The policy of a git reference, and notes: what did not fit the schema of today, and what is not compared.

    A field that has no label there keeps today's.
    Raises InvalidError when git knows no such reference, or its rules cannot be used with the schema of today.
    """
    names = _git("ls-tree", "--name-only", "--end-of-options", ref, "./").split()
    texts = [_git("show", "--end-of-options", f"{ref}:./{name}") for name in sorted(names) if name.endswith(".cedar")]
    if not texts or "labels.toml" not in names:
        raise InvalidError(f"{ref} has no policy: {SHIPPED.name}/*.cedar and labels.toml. Name a later reference.")
    sections = tomllib.loads(_git("show", "--end-of-options", f"{ref}:./labels.toml"))
    labels, notes = _fitted(sections, governed, current)
    for name in BESIDE:
        if name in names and _git("show", "--end-of-options", f"{ref}:./{name}") != (SHIPPED / name).read_text():
            notes.append(f"{name} differs there and is not compared: both sides are read with today's")
    try:
        return Policy("\n".join(texts), labels, governed), notes
    except ConfigurationError as error:
        raise InvalidError(f"The policy of {ref} cannot be used with the schema of today: {error.message}") from error


def _git(*words: str) -> str:
    command = ["git", "-C", str(SHIPPED), *words]
    try:
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout  # noqa: S603 - no shell, and the reference cannot be an option
    except FileNotFoundError as error:
        raise InvalidError("`git` is not installed, so no other version can be read.") from error
    except subprocess.CalledProcessError as error:
        raise InvalidError(f"git cannot read that version of the policy: {error.stderr.strip()}.") from error


def _fitted(sections: Mapping[str, Any], governed: Governed, current: Labels) -> tuple[Labels, list[str]]:
    notes: list[str] = []
    labels: dict[str, dict[str, Label]] = {}
    common = sections.get(COMMON_SECTION, {})
    for name, fields in sorted(governed.fields.items()):
        own = {**(common if name in governed.assets else {}), **sections.get(name, {})}
        labels[name] = {}
        for field in sorted(fields):
            if own.get(field) not in [*Label]:
                notes.append(f"{name}.{field} has no label there: compared under today's, {current[name][field]}")
            labels[name][field] = Label(own[field]) if own.get(field) in [*Label] else current[name][field]
        notes.extend(f"{name}.{field} has a label there and is no field today" for field in sorted({*own} - {*fields}))
    gone = sorted({*sections} - {*governed.fields, COMMON_SECTION})
    notes.extend(f"[{name}] has labels there and is no governed type today" for name in gone)
    return labels, notes
