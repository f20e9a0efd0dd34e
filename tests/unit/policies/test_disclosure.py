"""The setting in ``disclosure.toml``; its effect is proven by tests/security/test_leaks_of_lineage.py."""

from pathlib import Path

import pytest

from policies.disclosure import Disclosure, load_disclosure
from policies.errors import ConfigurationError


@pytest.mark.parametrize("value", Disclosure)
def test_each_value_is_read(tmp_path: Path, value: Disclosure) -> None:
    """The file has one line with the value."""
    (tmp_path / "disclosure.toml").write_text(f'disclosure = "{value}"')
    assert load_disclosure(tmp_path / "disclosure.toml") is value


@pytest.mark.parametrize("text", ["", "disclosure = []", 'disclosure = "all"', "disclosure = 1", "="])
def test_any_other_content_is_a_configuration_error(tmp_path: Path, text: str) -> None:
    """A value of another type is refused like an unknown one; a list was once a TypeError."""
    (tmp_path / "disclosure.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"disclosure\.toml"):
        load_disclosure(tmp_path / "disclosure.toml")
