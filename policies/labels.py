"""The label of every governed field, read from ``labels.toml`` and held against the schema.

A section ``[Asset]`` labels what every asset has; a type's own section adds its fields and may relabel a common one.
Nothing is labelled by default: a field that no line names stops the start-up.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from policies.errors import ConfigurationError
from policies.governed import Governed
from policies.vocabulary import Label, Labels

COMMON = "Asset"
"""The interface whose fields every type of rows has."""


def load_labels(path: Path, governed: Governed) -> Labels:
    """Label every governed field, or say everything that is wrong with the file.

    Raises :class:`ConfigurationError` for a field without a label, a label without a field, a type that is not
    governed, a label that does not exist, a field that can never be null and is not public, and a derived field that
    is held less closely than one of those that it is made from.
    """
    try:
        sections = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read as TOML: {error}. Repair the file.") from error
    common = sections.pop(COMMON, {})
    _stop([*_faults(common, sections, governed)], path)
    labels = {
        name: {field: Label({**_shared(common, name, governed), **sections.get(name, {})}[field]) for field in fields}
        for name, fields in ((name, sorted(fields)) for name, fields in sorted(governed.fields.items()))
    }
    _stop([*_unfit(labels, governed)], path)
    return labels


def _stop(faults: list[str], path: Path) -> None:
    if faults:
        raise ConfigurationError(f"{path.name} does not fit the schema: " + "; ".join(faults))


def _shared(common: Mapping[str, Any], type_name: str, governed: Governed) -> Mapping[str, Any]:
    return common if type_name in governed.assets else {}


def _faults(common: Mapping[str, Any], sections: Mapping[str, Any], governed: Governed) -> Iterator[str]:
    for name in sorted(set(sections) - set(governed.fields)):
        yield f"[{name}] is no governed type: remove the section or correct its name"
    for section, lines in {COMMON: common, **sections}.items():
        if not isinstance(lines, dict):
            yield f"{section} stands outside a section: write it under [Asset] or under its type"
            continue
        for field, label in lines.items():
            if label not in [*Label]:
                yield f"{section}.{field} has the unknown label {label!r}: use one of {', '.join(Label)}"
    for type_name, fields in sorted(governed.fields.items()):
        own = sections.get(type_name, {})
        shared = _shared(common, type_name, governed)
        named = {*shared, *own} if isinstance(own, dict) else {*shared}
        for field in sorted(set(fields) - named):
            yield f"{type_name}.{field} has no label: add a line under [{type_name}]"
        for field in sorted(named - set(fields)):
            yield f"{type_name}.{field} has a label and does not exist: remove it or correct its name"


def _unfit(labels: Labels, governed: Governed) -> Iterator[str]:
    def of(coordinate: str) -> Label:
        type_name, field = coordinate.split(".")
        return labels[type_name][field]

    for coordinate in sorted(governed.fixed):
        if of(coordinate) is not Label.PUBLIC:
            yield f"{coordinate} can never be null, so it cannot be hidden: label it public, or make it nullable"
    for coordinate, inputs in sorted(governed.derived.items()):
        for each in sorted(inputs):
            if of(coordinate).weaker_than(of(each)):
                yield (
                    f"{coordinate} is {of(coordinate)} and made from {each}, which is {of(each)}: "
                    f"label {coordinate} {of(each)} as well"
                )
