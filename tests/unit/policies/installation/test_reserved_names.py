"""Reserved names: a wrong file stops the process with the place of the fault, and the first entry that matches owns."""

import random
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import partial
from itertools import product
from pathlib import Path

import pytest

from graphql_schema.catalog.kinds import RESERVABLE
from graphql_schema.catalog.urn import is_urn
from policies.errors import ConfigurationError
from policies.installation.reserved_names import NOTHING_RESERVED, Reservation, ReservedNames, load_reserved_names

HEAD = '[[reserved]]\nid = "a"\ndoc = "Why."\nowner = "mlg://team/catalog/default/ranking"\n'
GOOD = f'{HEAD}sources = ["airflow"]\n'


load = partial(load_reserved_names, RESERVABLE, partial(is_urn, kind="Team"))
"""Loads a file as the product does."""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[reserved", r"cannot be read: .*valid TOML"),
        (GOOD.replace("[[reserved]]", "[[reserve]]"), r"has content that is not under \[\[reserved\]\]"),
        (GOOD.replace("[[reserved]]", "[reserved]"), r"has content that is not under \[\[reserved\]\]"),
        ("reserved = [1]", r"has content that is not under \[\[reserved\]\]"),
        (GOOD.replace('id = "a"\n', ""), r"has an entry without 'id'"),
        (GOOD.replace('"a"', "[1]"), r"has an entry without 'id'"),
        (GOOD.replace("Why.", ""), r"has an entry without 'doc'"),
        (GOOD.replace("owner", "team"), r"has an entry without 'owner'"),
        (GOOD + GOOD, r"several entries with the `id` a\."),
        (GOOD + 'source = ["x"]\n', r"entry a has the unknown fields \['source'\]. Use \['doc', 'id', 'kinds'"),
        (GOOD.replace("team/", "user/"), r"entry a: `owner` is not the id of a team"),
        (GOOD.replace("/ranking", ""), r"entry a: `owner` is not the id of a team"),
        (GOOD.replace("team/catalog", "team/Catalog"), r"entry a: `owner` is not the id of a team"),
        (HEAD, r"entry a would reserve all ids. Give it `sources`, `namespaces` or both"),
        (HEAD + 'kinds = ["Run"]\n', r"entry a would reserve all ids"),
        (HEAD + "sources = []\n", r"entry a: `sources` is not a list of one or more strings"),
        (HEAD + 'sources = "airflow"\n', r"entry a: `sources` is not a list of one or more strings"),
        (HEAD + "namespaces = [1]\n", r"entry a: `namespaces` is not a list of one or more strings"),
        (HEAD + 'namespaces = [""]\n', r"entry a: `namespaces` is not a list of one or more strings"),
        (HEAD + 'sources = ["Airflow"]\n', r"entry a: `sources` has \['Airflow'\]. Sources of ids are in lower case"),
        (GOOD + 'kinds = ["run"]\n', r"entry a: `kinds` has \['run'\]. Use some of .*, Run"),
        (
            GOOD + 'kinds = ["ModelVersion"]\n',
            r"entry a: `kinds` has \['ModelVersion'\].*a version belongs to its parent",
        ),
        (GOOD + 'kinds = ["Team"]\n', r"entry a: `kinds` has \['Team'\]"),
    ],
)
def test_a_wrong_entry_stops_the_start(tmp_path: Path, text: str, complaint: str) -> None:
    """An entry that is incomplete, or has an unknown field or value, is refused with its id."""
    path = tmp_path / "reserved_names.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=complaint):
        load(path)


def test_a_missing_file_stops_the_start(tmp_path: Path) -> None:
    """A missing file is an error, because no name would be reserved without it."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml cannot be read"):
        load(tmp_path / "nowhere.toml")


def test_the_program_ships_with_no_reserved_names() -> None:
    """The shipped file is valid, and reserves nothing: the names of an installation are not known to the program."""
    assert load() == NOTHING_RESERVED


@pytest.mark.parametrize(
    ("kind", "source", "namespace", "owner"),
    [
        ("Run", "airflow", "prod", "scheduler"),
        ("Run", "airflow", "prod.eu", "scheduler"),
        ("Run", "airflow", "product", "rest"),
        ("Dataset", "airflow", "prod", "rest"),
        ("Run", "airflow", "PROD", "rest"),
        ("Run", "dbt", "prod", ""),
        ("Dataset", "s3", "s3://lake/raw/x", "lake"),
        ("Dataset", "s3", "s3://lake", ""),
        ("ModelVersion", "airflow", "prod", ""),
        ("Team", "airflow", "prod", ""),
        ("Tag", "airflow", "prod", ""),
    ],
)
def test_the_first_entry_that_matches_names_the_owner(
    tmp_path: Path, kind: str, source: str, namespace: str, owner: str
) -> None:
    """All conditions of an entry match, an absent one matches all assets, and an earlier entry comes before a later."""
    path = tmp_path / "reserved_names.toml"
    entries = {
        "scheduler": 'kinds = ["Workflow", "Run"]\nsources = ["airflow"]\nnamespaces = ["prod", "prod.*"]\n',
        "rest": 'sources = ["airflow"]\n',
        "lake": 'namespaces = ["s3://lake/*"]\n',
    }
    path.write_text(
        "".join(HEAD.replace('"a"', f'"{name}"').replace("ranking", name) + text for name, text in entries.items())
    )
    found = load(path).owner(kind, source, namespace)
    assert found == (f"mlg://team/catalog/default/{owner}" if owner else "")


PATTERNS = ("*", "a", "a*", "*a", "a*b", "*a*b*", "[ab]", "[!a]*", "?", "a?", "a.b", "a|b", "\n*", "\\*", "(a)")
TEXTS = ("a", "b", "ab", "aab", "abab", "a.b", "a|b", "axb", "\n", "\na", "\\a", "(a)", "", "\0", "aé", "ba")


@pytest.mark.parametrize("seed", range(50))
def test_all_entries_together_decide_as_one_after_the_other(seed: int) -> None:
    """Random entries with patterns: the owner is that of the first entry that `fnmatch` matches."""
    dice = random.Random(seed)

    def some(values: Sequence[str]) -> tuple[str, ...]:
        return tuple(dice.sample(values, dice.randrange(3)))

    entries = [
        Reservation(f"team{number}", frozenset(dice.sample(("Run", "Model"), dice.randrange(1, 3))), *map(some, both))
        for number, both in enumerate([(PATTERNS, PATTERNS)] * 4)
    ]
    names = ReservedNames(tuple(entries))

    def is_one_of(text: str, patterns: tuple[str, ...]) -> bool:
        return not patterns or any(fnmatchcase(text, each) for each in patterns)

    for kind, source, namespace in product(("Run", "Model", "Dataset"), TEXTS, TEXTS):
        matching = (each for each in entries if kind in each.kinds)
        found = (
            each.owner for each in matching if is_one_of(source, each.sources) and is_one_of(namespace, each.namespaces)
        )
        assert names.owner(kind, source, namespace) == next(found, "")
