"""Sensitivities: the strictest of several, and the file of the kinds at which propagation stops."""

from pathlib import Path

import pytest

from policies.errors import ConfigurationError
from policies.sensitivity import RANK, SHIPPED, load_stops, strictest

KINDS = ["Dataset", "Model", "Report", "Service"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["PUBLIC"], "PUBLIC"),
        (["PUBLIC", "INTERNAL"], "INTERNAL"),
        (["RESTRICTED", "CONFIDENTIAL", "RESTRICTED"], "RESTRICTED"),
        (["INTERNAL", "CONFIDENTIAL", "PUBLIC"], "CONFIDENTIAL"),
    ],
)
def test_the_strictest_wins_in_any_position(given: list[str], found: str) -> None:
    """The order is that of strictness and not of the alphabet."""
    assert strictest(*given) == strictest(*reversed(given)) == found


def test_ranks_rise_from_public_to_restricted() -> None:
    """The ranks are consecutive numbers from 0, which the store compares."""
    assert RANK == {"PUBLIC": 0, "INTERNAL": 1, "CONFIDENTIAL": 2, "RESTRICTED": 3}


def test_an_unknown_sensitivity_has_no_place_in_the_order() -> None:
    """A misspelt sensitivity raises an error; a silent answer could open an asset."""
    with pytest.raises(ValueError, match="not in tuple"):
        strictest("PUBLIC", "SECRET")


def test_the_product_stops_at_models_services_and_reports() -> None:
    """The file of the product has the stops that docs/sensitivity.md names."""
    assert load_stops(SHIPPED, KINDS) == {"Model", "Report", "Service"}


def test_no_stops_are_allowed(tmp_path: Path) -> None:
    """With an empty list, sensitivity propagates through every kind."""
    file = tmp_path / "sensitivity.toml"
    file.write_text("stops = []")
    assert load_stops(file, KINDS) == frozenset()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", r"must set `stops` to a list"),
        ('stops = "Model"', r"must set `stops` to a list"),
        ('stops = ["Model"]\nstop = []', r"must set `stops` to a list"),
        ('stops = ["Modle", "Model", "Cat"]', r"unknown kinds Cat, Modle in `stops`.*Dataset, Model, Report, Service"),
        ("stops = [1]", r"unknown kinds 1 in `stops`"),
        ("stops = [", r"cannot be read: .*valid TOML"),
    ],
)
def test_a_wrong_file_stops_the_start_up(tmp_path: Path, text: str, complaint: str) -> None:
    """Another form, an unknown kind or broken TOML is refused with the problem."""
    file = tmp_path / "sensitivity.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=complaint):
        load_stops(file, KINDS)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    """Without the file the kinds are unknown, so the process does not start."""
    with pytest.raises(ConfigurationError, match=r"absent.toml cannot be read"):
        load_stops(tmp_path / "absent.toml", KINDS)
