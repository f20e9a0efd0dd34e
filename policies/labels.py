"""The label of every governed field, read from ``labels.toml`` and held against the schema's coordinates.

A section ``[Asset]`` labels what every asset has; a type's own section adds its fields and may relabel a common one.
Nothing is labelled by default: a field that no line names stops the start-up.
"""

import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from policies.errors import ConfigurationError
from policies.vocabulary import Label, Labels

COMMON = "Asset"
"""The interface whose fields every governed type has."""


def load_labels(path: Path, coordinates: Mapping[str, Collection[str]]) -> Labels:
    """Label every field of ``coordinates`` (type name to field names), or say everything that is wrong with the file.

    Raises :class:`ConfigurationError` for a field without a label, a label without a field, a type that is not
    governed and a label that does not exist.
    """
    try:
        sections = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read as TOML: {error}. Repair the file.") from error
    common = sections.pop(COMMON, {})
    faults = [*_faults(common, sections, coordinates)]
    if faults:
        raise ConfigurationError(f"{path.name} does not fit the schema: " + "; ".join(faults))
    return {
        type_name: {field: Label(({**common, **sections.get(type_name, {})})[field]) for field in sorted(fields)}
        for type_name, fields in sorted(coordinates.items())
    }


def _faults(
    common: Mapping[str, Any], sections: Mapping[str, Any], coordinates: Mapping[str, Collection[str]]
) -> Iterator[str]:
    for name in sorted(set(sections) - set(coordinates)):
        yield f"[{name}] is no governed type: remove the section or correct its name"
    for section, lines in {COMMON: common, **sections}.items():
        if not isinstance(lines, dict):
            yield f"{section} stands outside a section: write it under [Asset] or under its type"
            continue
        for field, label in lines.items():
            if label not in [*Label]:
                yield f"{section}.{field} has the unknown label {label!r}: use one of {', '.join(Label)}"
    for type_name, fields in sorted(coordinates.items()):
        own = sections.get(type_name, {})
        named = {*common, *own} if isinstance(own, dict) else {*common}
        for field in sorted(set(fields) - named):
            yield f"{type_name}.{field} has no label: add a line under [{type_name}]"
        for field in sorted(named - set(fields)):
            yield f"{type_name}.{field} has a label and does not exist: remove it or correct its name"
