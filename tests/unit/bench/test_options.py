"""The variables of `make bench` choose what is measured, and an invalid one is refused with the valid values."""

import pytest

from bench.options import NAMES, InvalidOptionError, Options


def test_the_defaults_measure_everything_on_two_estates() -> None:
    """Without variables, all queries are measured with 1, 8 and 32 connections; the largest estate is left out."""
    options = Options.from_env({"ESTATE": "", "C": ""})
    assert (options.estates, options.questions, options.connections) == (("2k", "20k"), NAMES, (1, 8, 32))


def test_variables_limit_the_run() -> None:
    """The names of queries, connections and estates are lists separated by commas."""
    options = Options.from_env({"QUESTIONS": "nested_list, register", "C": "1,8", "ESTATE": "2k", "COLD": "0"})
    assert (options.questions, options.connections, options.estates) == (("nested_list", "register"), (1, 8), ("2k",))
    assert (options.reads, options.cold) == (("nested_list",), 0)


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("ESTATE", "3k", "2k, 20k, 200k"),
        ("QUESTIONS", "nested", "nested_list"),
        ("C", "x", "1,8,32"),
        ("C", "0", "1,8"),
    ],
)
def test_an_invalid_variable_is_refused(key: str, value: str, hint: str) -> None:
    """The error names the variable, its value and valid ones."""
    with pytest.raises(InvalidOptionError, match=f"{key} is '{value}'.*{hint}"):
        Options.from_env({key: value})
