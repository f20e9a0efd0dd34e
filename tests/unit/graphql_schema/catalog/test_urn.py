"""URNs: the parts of an id, encoded and read back (design, section 3.5)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphql_schema.catalog.urn import (
    MAX_PART,
    MAX_URN_BYTES,
    Urn,
    make_urn,
    parent_urn,
    parse_urn,
    slug_of,
    version_urn,
)
from policies.errors import InvalidError

PARTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
LONG = st.text(st.characters(exclude_categories=["Cs"]), min_size=200, max_size=400)


@given(PARTS.filter(lambda text: text == text.lower()), PARTS, PARTS, PARTS)
def test_a_urn_gives_back_its_parts(source: str, namespace: str, name: str, version: str) -> None:
    """Any text survives encoding and decoding, so different names never share an id."""
    urn = make_urn("model-version", source, namespace, name, version)
    assert parse_urn(urn) == Urn("ModelVersion", source, namespace, name, version)


@given(PARTS, LONG, st.sampled_from(["x", "é", "\U0001f600"]))
def test_a_long_name_stays_within_the_limit(namespace: str, name: str, letter: str) -> None:
    """An id never exceeds 512 bytes; a cut name ends in a digest, is valid UTF-8, and keeps its other parts."""
    urn = make_urn("dataset", "s3", namespace, name + letter * 300)
    assert len(urn) <= MAX_URN_BYTES == 512
    assert re.search(r"~[0-9a-f]{16}$", urn)
    assert (name + letter * 300).startswith(parse_urn(urn).name[:-17])
    assert (parse_urn(urn).source, parse_urn(urn).namespace) == ("s3", namespace)


def test_a_name_is_cut_only_if_it_does_not_fit() -> None:
    """``mlg://model/ab/b/`` has 17 bytes, so a name may have the other 495 of 512, and 478 if it ends in a digest."""
    assert make_urn("model", "ab", "b", "x" * 495) == "mlg://model/ab/b/" + "x" * 495
    assert re.fullmatch("mlg://model/ab/b/x{478}~[0-9a-f]{16}", make_urn("model", "ab", "b", "x" * 496))
    version = make_urn("model-version", "ab", "b", "x" * 600, "v1")
    assert re.fullmatch("mlg://model-version/ab/b/x{467}~[0-9a-f]{16}@v1", version)


def test_names_that_differ_behind_the_cut_have_different_ids() -> None:
    """The digest covers the complete id, so two long names with one beginning are two assets."""
    assert make_urn("dataset", "s3", "", "x" * 600 + "a") != make_urn("dataset", "s3", "", "x" * 600 + "b")


def test_parts_that_leave_no_space_for_a_name_are_refused() -> None:
    """A name of at least one byte and its digest must fit beside source, namespace and version."""
    assert re.fullmatch("mlg://dataset/s3/n{476}/x~[0-9a-f]{16}", make_urn("dataset", "s3", "n" * 476, "x" * 100))
    with pytest.raises(InvalidError, match="within 512 bytes"):
        make_urn("dataset", "s3", "n" * 477, "x" * 100)


def test_a_very_long_name_is_cut_before_it_is_encoded() -> None:
    """It stays an id, and names that differ at their end have different ones."""
    one, other = (make_urn("tag", "catalog", "", "é" * 100_000 + end) for end in "ab")
    assert one != other
    assert parse_urn(one).name.startswith("éé")


@pytest.mark.parametrize("place", ["source", "namespace", "version"])
def test_a_part_that_is_too_long_is_refused_before_it_is_encoded(place: str) -> None:
    """The encoding of megabytes takes tenths of a second, and a query may ask for a version of each of 500 objects."""
    parts = {"source": "s", "namespace": "n", "name": "m", "version": "1", place: "é" * (MAX_PART + 1)}
    with pytest.raises(InvalidError, match=f"has {MAX_PART + 1} characters; the limit is {MAX_PART}"):
        make_urn("model-version", **parts)
    with pytest.raises(InvalidError, match=f"the limit is {MAX_PART}"):
        version_urn("mlg://model/s/n/m", "é" * (MAX_PART + 1))


def test_an_id_is_written_as_in_the_design() -> None:
    """Lower-case source, ``default`` for no namespace, RFC 3986 unreserved characters plain, upper-case hex."""
    assert make_urn("dataset", "S3", "", "a-b_c.d~e/f@é") == "mlg://dataset/s3/default/a-b_c.d~e%2Ff%40%C3%A9"
    assert make_urn("model-version", "mlflow", "ads", "ctr", "3") == "mlg://model-version/mlflow/ads/ctr@3"
    assert make_urn("model", "mlflow", "ads", "ctr", "3") == "mlg://model/mlflow/ads/ctr"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("table", "s3", "", "x"), "`table` is no kind; use one of dataset, dataset-version,"),
        (("dataset", "", "", "x"), "needs a source and a name"),
        (("dataset", "s3", "", ""), "needs a source and a name"),
        (("model-version", "mlflow", "", "x"), "needs a version"),
        (("model-version", "mlflow", "", "x", ""), "needs a version"),
    ],
)
def test_missing_parts_are_named(parts: tuple[str, ...], message: str) -> None:
    """The error says which part is missing or unknown."""
    with pytest.raises(InvalidError, match=message):
        make_urn(*parts)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("urn:li:x", "is not an id"),
        ("mlg://dataset/s3/default", "is not an id"),
        ("mlg://dataset/s3/default/a b", "is not percent-encoded"),
        ("mlg://dataset/s3/default/" + "x" * 488, "has 513 characters; the limit is 512"),
        ("mlg://table/s3/default/a", "an unknown kind"),
        ("mlg://dataset/s3/default/a@1", "has no @<version>"),
        ("mlg://model-version/s3/default/a", "ends in @<version>"),
        ("mlg://dataset/S3/default/a", "upper-case source"),
        ("mlg://dataset/s3/default/a%2fb", "is not percent-encoded"),
        ("mlg://dataset/s3/default/a%FF", "not UTF-8"),
        ("mlg://dataset/s3/default/%61", "write 'a' for '%61'"),
    ],
)
def test_a_text_that_is_no_id_is_refused(text: str, message: str) -> None:
    """A wrong shape and a second spelling of the same name are refused, and the error says why."""
    with pytest.raises(InvalidError, match=re.escape(message)):
        parse_urn(text)


def test_the_longest_id_is_read() -> None:
    """512 bytes are accepted; one more is refused above."""
    assert parse_urn("mlg://dataset/s3/default/" + "x" * 487).name == "x" * 487


def test_the_parent_of_a_version_follows_from_its_id() -> None:
    """An asset and its versions have one name; the version is appended to the name and encoded."""
    version = "mlg://model-version/mlflow/ads/ctr@3"
    assert parent_urn(version) == "mlg://model/mlflow/ads/ctr"
    assert version_urn("mlg://model/mlflow/ads/ctr", "3") == version
    assert version_urn("mlg://dataset/s3/a/b", "1/2") == "mlg://dataset-version/s3/a/b@1%2F2"
    assert parent_urn("mlg://model/mlflow/ads/ctr") is None
    assert slug_of(version) == "model-version"


@given(PARTS, PARTS, PARTS)
def test_a_version_leads_to_its_parent_and_back(namespace: str, name: str, version: str) -> None:
    """For all texts, the parent of a version of an asset is that asset."""
    parent = make_urn("model", "mlflow", namespace, name)
    assert parent_urn(version_urn(parent, version)) == parent
