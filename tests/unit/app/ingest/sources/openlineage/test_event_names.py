"""Ids of events: each spelling of one place has one id, two places never share one, and the rule is reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ingest.sources.openlineage.event_names import (
    MAX_SYMLINKS,
    SCHEMES,
    EventNames,
    NameRule,
    NamespacePattern,
    namespace_patterns,
)
from app.ingest.sources.openlineage.lineage_event import MAX_NAME_LENGTH, LineageEvent, Named
from graphql_schema.execution.side_thread import run_at_once
from policies.errors import ConfigurationError

NAMES = EventNames()
PLACES = st.text("ab:/.*%S3", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("namespace", "urn", "rule"),
    [
        ("postgres://db:5432", "mlg://dataset/postgres/db%3A5432/t", NameRule.EXACT),
        ("postgresql://db:5432", "mlg://dataset/postgres/db%3A5432/t", NameRule.SPELLING),
        ("S3A://lake/", "mlg://dataset/s3/lake/t", NameRule.SPELLING),
        ("bigquery", "mlg://dataset/openlineage/bigquery/t", NameRule.EXACT),
        ("openlineage://x", "mlg://dataset/openlineage/openlineage%3A%2F%2Fx/t", NameRule.EXACT),
        ("file://", "mlg://dataset/file/%2F/t", NameRule.SPELLING),
    ],
)
def test_the_scheme_is_the_source(namespace: str, urn: str, rule: NameRule) -> None:
    """A namespace with a scheme has it as source; other spellings of a scheme have the same id."""
    match = NAMES.dataset(namespace, "t")
    assert (match.urn, match.rule) == (urn, rule)


@given(PLACES, PLACES)
def test_two_places_never_share_an_id(one: str, other: str) -> None:
    """Equal ids come from namespaces that are equal but for the scheme's spelling and slashes at the end."""

    def plain(namespace: str) -> str:
        scheme, found, rest = namespace.partition("://")
        if not found or not scheme.isalnum() or not scheme[0].isalpha():
            return namespace
        return f"{SCHEMES.get(scheme.lower(), scheme.lower())}://{rest.rstrip('/')}"

    if NAMES.dataset(one, "t").urn == NAMES.dataset(other, "t").urn:
        assert plain(one) == plain(other)


def test_patterns_make_two_namespaces_one() -> None:
    """The first pattern that covers a namespace is used, for jobs and datasets; a star covers any text."""
    names = EventNames(namespace_patterns("pg://old => postgres://db:5432, s3://*-eu => s3://*"))
    assert names.dataset("pg://old", "t").urn == NAMES.dataset("postgres://db:5432", "t").urn
    assert names.dataset("s3://lake-eu", "t").urn == NAMES.dataset("s3://lake", "t").urn
    assert names.dataset("s3://-eu-us", "t").rule is NameRule.EXACT
    assert names.job("pg://old", "j").rule is NameRule.NAMESPACE
    assert names.run("r") == "mlg://run/openlineage/default/r"


@given(st.text("ab*", max_size=4), st.text("ab*", max_size=4), st.text("ab", max_size=4))
def test_a_pattern_is_undone(given_text: str, used: str, covered: str) -> None:
    """What a pattern makes of a namespace leads back to it, unless the pattern forgets the text of its star."""
    if given_text.count("*") > 1 or used.count("*") > given_text.count("*"):
        return
    pattern = NamespacePattern(given_text, used)
    namespace = given_text.replace("*", covered)
    result = pattern.applied(namespace)
    assert result == used.replace("*", covered)
    assert pattern.undone(result) == (namespace if given_text.count("*") == used.count("*") else None)
    former = pattern.undone(covered)
    assert former is None or pattern.applied(former) == covered


@pytest.mark.parametrize("text", ["a", "a =>", "=> b", "a** => b", "a => b*", "a*b* => c"])
def test_an_invalid_pattern_stops_the_start(text: str) -> None:
    """The error shows the part and how to write one; empty parts are none."""
    with pytest.raises(ConfigurationError, match="MLG_NAMESPACES"):
        namespace_patterns(text)
    assert namespace_patterns(" , ") == ()


def _symlinked(*tables: object) -> LineageEvent:
    facets = {"symlinks": {"identifiers": list(tables)}}
    return LineageEvent(1, "START", "", inputs=(Named("s3://lake", "orders", facets),))


def test_a_table_of_a_catalog_is_the_identity() -> None:
    """Of several tables the first id counts, in every event alike; other symlinks and malformed ones do not."""
    tables = [{"namespace": "hive://m", "name": name, "type": "TABLE"} for name in ("shop.orders", "a.orders")]
    names = run_at_once(NAMES.within(_symlinked(*tables, "odd", {"namespace": "hive://m", "type": "table"})))
    match = names.dataset("s3://lake", "orders")
    assert (match.urn, match.rule) == ("mlg://dataset/hive/m/a.orders", NameRule.SYMLINK)
    plain = run_at_once(NAMES.within(_symlinked({"namespace": "s3://b", "name": "x", "type": "LOCATION"})))
    assert plain.dataset("s3://lake", "orders").rule is NameRule.EXACT
    itself = run_at_once(NAMES.within(_symlinked({"namespace": "s3a://lake", "name": "orders", "type": "TABLE"})))
    assert itself.dataset("s3://lake", "orders").rule is NameRule.EXACT


class Unread(str):
    """A text that must not be read, because of its length."""

    __slots__ = ()

    def upper(self) -> str:
        """Fail: each call takes as long as the text."""
        raise AssertionError

    startswith = endswith = upper  # type: ignore[assignment]


@pytest.mark.parametrize("member", ["namespace", "name", "type"])
def test_long_symlinks_are_not_read(member: str) -> None:
    """A symlink with a long type, namespace or name is left out, whatever is in it; the other ones count."""
    long = {"namespace": "hive://a", "name": "a", "type": "TABLE", member: Unread("x" * (MAX_NAME_LENGTH + 1))}
    table = {"namespace": "hive://m", "name": "n" * MAX_NAME_LENGTH, "type": "Table"}
    names = run_at_once(EventNames(namespace_patterns("xx* => hive://*")).within(_symlinked(long, table)))
    match = names.dataset("s3://lake", "orders")
    assert match.rule is NameRule.SYMLINK
    assert match.urn.startswith("mlg://dataset/hive/m/nnnn")


def test_of_many_symlinks_none_counts() -> None:
    """With 100 symlinks the dataset is the table, with one more it has its own name, wherever the table is."""
    other = {"namespace": "s3://b", "name": "x", "type": "LOCATION"}
    table = {"namespace": "hive://m", "name": "a.orders", "type": "TABLE"}

    def rule(*symlinks: object) -> NameRule:
        return run_at_once(NAMES.within(_symlinked(*symlinks))).dataset("s3://lake", "orders").rule

    few = [other] * (MAX_SYMLINKS - 1)
    found = [rule(table, *few), rule(*few, table), rule(table, other, *few), rule(*few, other, table)]
    assert found == [NameRule.SYMLINK, NameRule.SYMLINK, NameRule.EXACT, NameRule.EXACT]


def test_names_are_made_one_symlink_after_the_other() -> None:
    """An event may have 23,000 of them, 1.5 s of work with long names, for which writers may wait."""
    symlinks = [{"namespace": f"hive://m{number}", "name": "x", "type": "TABLE"} for number in range(100)]
    assert sum(1 for _ in NAMES.within(_symlinked(*symlinks))) == 100
