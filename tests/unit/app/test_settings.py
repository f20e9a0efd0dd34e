"""Values of settings: an invalid one is refused with its key and the values that are valid; secrets may be in files."""

import math
from dataclasses import fields
from pathlib import Path

import pytest

from app.settings import Settings
from policies.errors import ConfigurationError

PORT = "a whole number from 1 to 65535"
COUNT = "a whole number from 1"
ABOVE = "a number above 0"
FROM = "a number from 0"

RANGES = [
    ("MLG_PORT", PORT, ["-1", "0", "65536", "8000.0", ""]),
    ("MLG_STORE_PORT", "a whole number from 0 to 65535", ["-1", "65536", "nan"]),
    ("MLG_STORE_IN_FLIGHT", COUNT, ["-1", "0", "inf"]),
    ("MLG_WALK_NODES", COUNT, ["-1", "0", "1e4"]),
    ("MLG_WALK_SECONDS", FROM, ["-1", "-0.1", "nan", "inf", "-inf", "soon"]),
    ("MLG_STORE_DEADLINE", ABOVE, ["-1", "0", "nan", "inf", "1e999"]),
    ("MLG_QUERY_SECONDS", ABOVE, ["0", "nan", "inf"]),
]


@pytest.mark.parametrize(
    ("key", "expected", "text"), [(key, expected, text) for key, expected, texts in RANGES for text in texts]
)
def test_a_value_out_of_range_is_refused(key: str, expected: str, text: str) -> None:
    """A negative number, nan, inf or no number is refused by an error that names the setting and its range."""
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_env({key: text})
    assert caught.value.message.startswith(f"{key} is {text!r}; set it to {expected}. ")


def test_the_bounds_of_a_range_are_valid() -> None:
    """The smallest and the largest value of each range are accepted."""
    least = {"MLG_PORT": "1", "MLG_STORE_PORT": "0", "MLG_STORE_IN_FLIGHT": "1", "MLG_WALK_NODES": "1"}
    settings = Settings.from_env({**least, "MLG_WALK_SECONDS": "0", "MLG_STORE_DEADLINE": "0.01"})
    assert (settings.port, settings.store_port, settings.store_in_flight, settings.walk_nodes) == (1, 0, 1, 1)
    assert (settings.walk_seconds, settings.store_deadline) == (0, 0.01)
    largest = Settings.from_env({"MLG_PORT": "65535", "MLG_STORE_PORT": "65535"})
    assert (largest.port, largest.store_port) == (65_535, 65_535)


def test_a_mutation_has_at_least_the_time_of_a_query() -> None:
    """Whether an operation writes is known only later, so a shorter time of mutations could not be kept."""
    with pytest.raises(
        ConfigurationError, match=r"MLG_MUTATION_SECONDS is 5, less than MLG_QUERY_SECONDS, which is 15"
    ):
        Settings.from_env({"MLG_MUTATION_SECONDS": "5"})
    assert Settings.from_env({"MLG_MUTATION_SECONDS": "15"}).mutation_seconds == 15


def test_no_number_may_be_negative_or_infinite() -> None:
    """Every setting that is a number refuses -1, nan and inf, also one that is added later."""
    numbers = {
        name: Settings.__dataclass_fields__[name].metadata["key"]
        for name in Settings.__dataclass_fields__
        if type(getattr(Settings.from_env({}), name)) in {int, float}
    }
    assert len(numbers) > 8
    for key in numbers.values():
        for value in (-1, math.nan, math.inf):
            with pytest.raises(ConfigurationError, match=key):
                Settings.from_env({key: str(value)})


@pytest.mark.parametrize(
    "text",
    ["*", "null", "app.example", "https://app.example/", "https://APP.example", "https://app.example:443",
     "https://a@app.example", "https://app.example:x", "ftp://app.example", "https://", "https://a.example;https://b"],
)  # fmt: skip
def test_an_origin_that_no_browser_sends_is_refused(text: str) -> None:
    """A wildcard, a path, capitals or a default port would never match an `Origin`, or match every one."""
    with pytest.raises(ConfigurationError, match=r"MLG_ALLOWED_ORIGINS is .*; set it to origins as browsers send them"):
        Settings.from_env({"MLG_ALLOWED_ORIGINS": f"https://ok.example,{text}"})
    assert Settings.from_env({"MLG_ALLOWED_ORIGINS": "http://[::1]:8080"}).allowed_origins == ("http://[::1]:8080",)


SECRETS = ["MLG_STORE_URL", "MLG_STORE_PASSWORD", "MLG_SECRET", "MLG_SIGN_IN_SECRET", "MLG_SESSION_SECRETS"]


def value(settings: Settings, key: str) -> object:
    """Return the value of a setting by its key."""
    (name,) = [field.name for field in fields(Settings) if field.metadata["key"] == key]
    return getattr(settings, name)


@pytest.mark.parametrize("key", SECRETS)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_may_be_in_a_file(tmp_path: Path, key: str, end: str) -> None:
    """The value is the content of the file without its last line break, and no representation shows it."""
    file = tmp_path / "secret"
    file.write_bytes(f" pässword\n of {key}{end}".encode())
    settings = Settings.from_env({f"{key}_FILE": str(file), key: ""})
    assert value(settings, key) == f" pässword\n of {key}"
    assert "pässword" not in repr(settings)


def test_every_secret_setting_has_a_file() -> None:
    """The secret settings are the listed ones, and an empty name of a file is like none."""
    assert [field.metadata["key"] for field in fields(Settings) if not field.repr] == SECRETS
    assert Settings.from_env({f"{key}_FILE": "" for key in SECRETS}) == Settings.from_env({})


@pytest.mark.parametrize("key", SECRETS)
def test_a_secret_and_its_file_exclude_each_other(tmp_path: Path, key: str) -> None:
    """If both are set, the start is refused by the names of both, without the secret."""
    file = tmp_path / "secret"
    file.write_text("one")
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_env({f"{key}_FILE": str(file), key: "another"})
    assert caught.value.message == f"{key} and {key}_FILE are both set; unset one of them."


@pytest.mark.parametrize("key", ["MLG_DATA_DIR", "MLG_ACCESS_LOG", "MLG_DOCUMENTS", "MLG_SECRET_FILE"])
def test_the_home_of_an_unknown_user_is_refused(key: str) -> None:
    """A path with `~name` of a user whom the system does not know names its setting."""
    with pytest.raises(ConfigurationError, match=f"{key} is '~no-such-user/x'"):
        Settings.from_env({key: "~no-such-user/x"})


@pytest.mark.parametrize("fault", ["missing", "a folder", "empty", "not text"])
def test_a_file_without_a_secret_is_refused(tmp_path: Path, fault: str) -> None:
    """A file that is missing, cannot be read or is empty stops the start with its name and the cure."""
    file = tmp_path / "secret"
    if fault == "a folder":
        file.mkdir()
    elif fault != "missing":
        file.write_bytes(b"\xff" if fault == "not text" else b"\n")
    with pytest.raises(ConfigurationError, match=r"MLG_SECRET_FILE is .*secret', which .*; (set it to|write the)"):
        Settings.from_env({"MLG_SECRET_FILE": str(file)})
