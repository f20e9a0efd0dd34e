"""The setting of disclosure: one line with one of three values, or the process does not start."""

from pathlib import Path

import pytest

from policies.errors import ConfigurationError
from policies.installation.disclosure import Disclosure, load_disclosure


@pytest.mark.parametrize("value", ["none", "flag", "count"])
def test_each_value_is_read(tmp_path: Path, value: str) -> None:
    """The three documented values are accepted, with a comment above."""
    file = tmp_path / "disclosure.toml"
    file.write_text(f'# how much\ndisclosure = "{value}"\n')
    assert load_disclosure(file).value == value


def test_the_product_discloses_the_existence_of_hidden_vertices() -> None:
    """The file of the product has the value that docs/lineage.md names."""
    assert load_disclosure() is Disclosure.FLAG


@pytest.mark.parametrize(
    "text",
    [
        "",
        'disclosure = "all"',
        'disclosure = "FLAG"',
        "disclosure = 1",
        'Disclosure = "flag"',
        'disclosure = "flag"\ncount = 3',
        '[disclosure]\nvalue = "flag"',
        'disclosure = ["flag"]',
    ],
)
def test_any_other_content_is_refused(tmp_path: Path, text: str) -> None:
    """A misspelt value or a further line stops the start, and the message lists the values."""
    file = tmp_path / "disclosure.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r'"none", "flag", "count"'):
        load_disclosure(file)


def test_an_absent_or_broken_file_is_refused(tmp_path: Path) -> None:
    """A file that cannot be read is no reason to disclose anything: the process does not start."""
    file = tmp_path / "disclosure.toml"
    with pytest.raises(ConfigurationError, match=r"disclosure.toml cannot be read"):
        load_disclosure(file)
    file.write_text("disclosure =")
    with pytest.raises(ConfigurationError, match=r"disclosure.toml cannot be read.*valid TOML"):
        load_disclosure(file)
