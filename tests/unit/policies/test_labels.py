"""Reading ``labels.toml``: inheritance from [Asset], and every problem of the file in one message."""

from pathlib import Path

import pytest

from policies.errors import ConfigurationError
from policies.governed import Governed
from policies.labels import load_labels
from policies.vocabulary import Label, Labels

GOVERNED = Governed({"Model": ["id", "task"], "Run": ["id", "error"]}, {"Neighbour": ["relation"]})
GOOD = """
[Asset]
id = "public"
[Model]
task = "internal"
[Run]
error = "secret"
[Neighbour]
relation = "internal"
"""


def loaded(folder: Path, text: str, governed: Governed = GOVERNED) -> Labels:
    """Return the labels in a text."""
    file = folder / "labels.toml"
    file.write_text(text)
    return load_labels(file, governed)


def test_types_take_common_labels_and_their_own(tmp_path: Path) -> None:
    """Every asset type has the labels of [Asset]; the type of an edge has only its own."""
    assert loaded(tmp_path, GOOD) == {
        "Model": {"id": Label.PUBLIC, "task": Label.INTERNAL},
        "Neighbour": {"relation": Label.INTERNAL},
        "Run": {"error": Label.SECRET, "id": Label.PUBLIC},
    }


def test_a_type_may_relabel_a_common_field(tmp_path: Path) -> None:
    """The label under the type replaces that of [Asset] for this type alone."""
    labels = loaded(tmp_path, GOOD.replace("[Run]", '[Run]\nid = "restricted"'))
    assert (labels["Run"]["id"], labels["Model"]["id"]) == (Label.RESTRICTED, Label.PUBLIC)


def test_all_problems_are_in_one_message(tmp_path: Path) -> None:
    """An unknown type, an unknown label, a field without label and a label without field are reported together."""
    text = GOOD.replace("task =", "tusk =").replace('"secret"', '"hush"') + '[Rnu]\nid = "public"\n'
    with pytest.raises(ConfigurationError) as error:
        loaded(tmp_path, text)
    assert error.value.message == (
        "labels.toml does not fit the schema: "
        "[Rnu] is not a governed type: remove the section or correct its name; "
        "Run.error has the unknown label 'hush': use one of public, internal, restricted, secret; "
        "Model.task has no label: add a line under [Model]; "
        "Model.tusk has a label and does not exist: remove it or correct its name"
    )


def test_a_derived_field_may_be_as_strict_as_its_inputs_or_stricter(tmp_path: Path) -> None:
    """Equal and stronger labels are accepted; one weaker input of several is named, with the label to use."""
    for inputs in ({"Model.id"}, {"Model.task"}, {"Model.id", "Neighbour.relation"}):
        loaded(tmp_path, GOOD, Governed(GOVERNED.assets, GOVERNED.edges, derived={"Model.task": inputs}))
    derived = {"Model.task": {"Model.id", "Run.error"}}
    with pytest.raises(ConfigurationError) as error:
        loaded(tmp_path, GOOD, Governed(GOVERNED.assets, GOVERNED.edges, derived=derived))
    assert error.value.message == (
        "labels.toml does not fit the schema: Model.task is internal and derived from Run.error, "
        "which is secret: label Model.task secret as well"
    )


def test_a_common_line_outside_of_a_section_is_refused(tmp_path: Path) -> None:
    """A line above the first section would label nothing."""
    with pytest.raises(ConfigurationError, match=r"task is outside of a section: write it under \[Asset\]"):
        loaded(tmp_path, 'task = "internal"\n' + GOOD)
