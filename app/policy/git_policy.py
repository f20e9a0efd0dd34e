"""The policy of a git reference, read with the schema of the working tree."""

import subprocess
import tomllib
from typing import Final

from graphql_schema.ports.record import Record
from policies.errors import ConfigurationError, InvalidError
from policies.governed import Governed
from policies.labels import COMMON_SECTION
from policies.policy import SHIPPED, Policy
from policies.vocabulary import Label, Labels

BESIDE: Final = (
    "disclosure.toml",
    "gates.toml",
    "personas.toml",
    "reserved_names.toml",
    "roles.toml",
    "sensitivity.toml",
)
"""Files that are not compared, each with a remark if it differs: both policies are read with those of the working tree.

Only the rules and the labels are compared.
"""


def policy_of(ref: str, governed: Governed, current: Labels) -> tuple[Policy, list[str]]:
    """Return the policy of a git reference, and remarks on labels that do not fit and on files that are not compared.

    A field without a label in the reference keeps its ``current`` label. Raises InvalidError if git is not installed or
    has no such reference, or if the reference has no policy. The error is also raised if the rules do not fit the
    schema, or if labels are unreadable.
    """
    names = _git("ls-tree", "--name-only", "--end-of-options", ref, "./").split()
    texts = [_git("show", "--end-of-options", f"{ref}:./{name}") for name in sorted(names) if name.endswith(".cedar")]
    if not texts or "labels.toml" not in names:
        raise InvalidError(
            f"{ref} has no policy, that is, {SHIPPED.name}/*.cedar and {SHIPPED.name}/labels.toml. Name a later "
            "reference."
        )
    labels, remarks = _fitted(_sections(ref), governed, current)
    for name in BESIDE:
        there = _git("show", "--end-of-options", f"{ref}:./{name}") if name in names else None
        if there != (SHIPPED / name).read_text():
            state = "is absent" if there is None else "differs"
            remarks.append(f"{name} {state} at {ref} and is not compared: both sides use that of the working tree")
    try:
        return Policy("\n".join(texts), labels, governed), remarks
    except ConfigurationError as error:
        raise InvalidError(
            f"The policy of {ref} does not fit the current schema, so name another reference: {error.message}"
        ) from error


def _sections(ref: str) -> Record:
    """Return the sections of the labels of a git reference; raises InvalidError if the file has another form."""
    try:
        sections = tomllib.loads(_git("show", "--end-of-options", f"{ref}:./labels.toml"))
    except tomllib.TOMLDecodeError as error:
        raise InvalidError(f"labels.toml of {ref} is not valid TOML: {error}. Name another reference.") from error
    if not all(isinstance(fields, dict) for fields in sections.values()):
        raise InvalidError(f"labels.toml of {ref} has a label outside of a section. Name another reference.")
    return sections


def _git(*words: str) -> str:
    command = ["git", "-C", str(SHIPPED), *words]
    try:
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout  # noqa: S603 - no shell, and the reference cannot be an option
    except FileNotFoundError as error:
        raise InvalidError("`git` is not installed; install it to compare policies.") from error
    except subprocess.CalledProcessError as error:
        raise InvalidError(
            f"git cannot read the policy: {error.stderr.strip()}; name a reference of the checkout that contains "
            f"{SHIPPED}."
        ) from error


def _fitted(sections: Record, governed: Governed, current: Labels) -> tuple[Labels, list[str]]:
    remarks: list[str] = []
    labels: dict[str, dict[str, Label]] = {}
    common = sections.get(COMMON_SECTION, {})
    for name, fields in sorted(governed.fields.items()):
        own = {**(common if name in governed.assets else {}), **sections.get(name, {})}
        labels[name] = {}
        for field in sorted(fields):
            if own.get(field) not in [*Label]:
                label = current[name][field]
                remarks.append(f"{name}.{field} has no label in the reference: compared with its current one, {label}")
            labels[name][field] = Label(own[field]) if own.get(field) in [*Label] else current[name][field]
        lost = sorted({*own} - {*fields})
        remarks.extend(f"{name}.{field} has a label in the reference and is no current field" for field in lost)
    gone = sorted({*sections} - {*governed.fields, COMMON_SECTION})
    remarks.extend(f"[{name}] has labels in the reference and is no current governed type" for name in gone)
    return labels, remarks
