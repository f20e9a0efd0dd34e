"""The labels of all governed fields, read from ``labels.toml`` and checked against the schema.

The section ``[Asset]`` labels the fields that every asset has. The section of a type labels its own fields and may
relabel a common field. There are no defaults: a field without a label is an error at start-up.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from policies.errors import ConfigurationError
from policies.governed import Governed
from policies.policy_file import read_toml
from policies.vocabulary import Label, Labels

COMMON_SECTION = "Asset"
"""The section for the fields that every type of rows has."""


def load_labels(path: Path, governed: Governed) -> Labels:
    """Return the label of each governed field, as set in the file ``path``.

    Raises `ConfigurationError` if the file cannot be read, or with the problems of the file:

    - a field without a label, or a label without a field;
    - an unknown type or label, or a line outside of a section.

    If there are none of these, further problems are:

    - a non-null field that is not public, because it cannot be hidden;
    - a derived field with a weaker label than one of its inputs.
    """
    sections = read_toml(path)
    common = sections.pop(COMMON_SECTION, {})
    _raise_problems([*_section_problems(common, sections, governed)], path)
    labels = {
        name: {
            field: Label({**_common_labels(common, name, governed), **sections.get(name, {})}[field])
            for field in fields
        }
        for name, fields in ((name, sorted(fields)) for name, fields in sorted(governed.fields.items()))
    }
    _raise_problems([*_label_problems(labels, governed)], path)
    return labels


def _raise_problems(problems: list[str], path: Path) -> None:
    if problems:
        raise ConfigurationError(f"{path.name} does not fit the schema: " + "; ".join(problems))


def _common_labels(common: Mapping[str, object], type_name: str, governed: Governed) -> Mapping[str, object]:
    return common if type_name in governed.assets else {}


def _section_problems(
    common: Mapping[str, object], sections: Mapping[str, object], governed: Governed
) -> Iterator[str]:
    for name in sorted(set(sections) - set(governed.fields)):
        yield f"[{name}] is not a governed type: remove the section or correct its name"
    for section, lines in {COMMON_SECTION: common, **sections}.items():
        if not isinstance(lines, dict):
            yield f"{section} is outside of a section: write it under [Asset] or under its type"
            continue
        for field, label in lines.items():
            if label not in [*Label]:
                yield f"{section}.{field} has the unknown label {label!r}: use one of {', '.join(Label)}"
    for type_name, fields in sorted(governed.fields.items()):
        own = sections.get(type_name, {})
        shared = _common_labels(common, type_name, governed)
        named = {*shared, *own} if isinstance(own, dict) else {*shared}
        for field in sorted(set(fields) - named):
            yield f"{type_name}.{field} has no label: add a line under [{type_name}]"
        for field in sorted(named - set(fields)):
            yield f"{type_name}.{field} has a label and does not exist: remove it or correct its name"


def _label_problems(labels: Labels, governed: Governed) -> Iterator[str]:
    def label_of(coordinate: str) -> Label:
        type_name, field = coordinate.split(".")
        return labels[type_name][field]

    for coordinate in sorted(governed.fixed):
        if label_of(coordinate) is not Label.PUBLIC:
            yield f"{coordinate} is non-null, so it cannot be hidden: label it public, or make it nullable"
    for coordinate, inputs in sorted(governed.derived.items()):
        label = label_of(coordinate)
        for each in sorted(inputs):
            if label.weaker_than(label_of(each)):
                yield (
                    f"{coordinate} is {label} and derived from {each}, which is {label_of(each)}: "
                    f"label {coordinate} {label_of(each)} as well"
                )
