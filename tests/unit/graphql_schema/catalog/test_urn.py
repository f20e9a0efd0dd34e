"""URNs: what goes in comes out, and nothing else can be written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphql_schema.catalog.urn import MAX_URN_BYTES, make_urn, parse_urn
from policies.errors import InvalidError

PARTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(PARTS.filter(lambda text: text == text.lower()), PARTS, PARTS, PARTS)
def test_a_urn_gives_back_its_parts(source: str, namespace: str, name: str, version: str) -> None:
    """Any text survives the way into a URN and back, so different names never share one."""
    urn = parse_urn(make_urn("model-version", source, namespace, name, version))
    assert (urn.source, urn.namespace, urn.name, urn.version) == (source, namespace, name, version)


@given(PARTS, st.text(st.characters(exclude_categories=["Cs"]), min_size=200, max_size=400))
def test_a_long_name_stays_within_the_limit(namespace: str, name: str) -> None:
    """A URN never exceeds 512 bytes; a cut name says so with a digest and can still be read."""
    urn = make_urn("dataset", "s3", namespace, name + "x" * 300)
    assert len(urn) <= MAX_URN_BYTES
    assert re.search(r"~[0-9a-f]{16}$", urn)
    assert parse_urn(urn).source == "s3"


def test_names_that_differ_behind_the_cut_stay_apart() -> None:
    """The digest is of the whole, so two long names with one beginning are two ids."""
    assert make_urn("dataset", "s3", "", "x" * 600 + "a") != make_urn("dataset", "s3", "", "x" * 600 + "b")


def test_a_urn_is_written_by_hand_as_the_design_says() -> None:
    """Lower-case source, `default` for no namespace, RFC 3986 unreserved characters plain, upper-case hex."""
    assert make_urn("dataset", "S3", "", "a-b_c.d~e/f@é") == "mlg://dataset/s3/default/a-b_c.d~e%2Ff%40%C3%A9"


@pytest.mark.parametrize("text", ["mlg://dataset/s3/default", "urn:li:x", "mlg://dataset/s3/default/a%2fb"])
def test_what_is_no_urn_is_refused(text: str) -> None:
    """A wrong shape and a second spelling of the same name are refused, not guessed."""
    with pytest.raises(InvalidError):
        parse_urn(text)
