"""Sealed texts: neither readable nor changeable outside, of one purpose, and with secrets that can be replaced."""

import base64
import json

import pytest
from joserfc import jwe
from joserfc.jwk import OctKey

from app.auth.sign_in.sealed_text import Sealer

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
CONTENT = {"token": "secret-value", "number": 7}


def test_a_text_opens_and_shows_nothing() -> None:
    """The content returns; the text has it in no form, and no two texts are alike."""
    sealer = Sealer([NEW], "session")
    first, second = sealer.seal(CONTENT), sealer.seal(CONTENT)
    assert sealer.open(first) == sealer.open(second) == CONTENT
    assert first != second
    decoded = b"".join(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in first.split("."))
    assert b"secret-value" not in decoded


def test_every_changed_character_is_noticed() -> None:
    """A text with one character replaced, removed or added does not open."""
    sealer = Sealer([NEW], "session")
    text = sealer.seal(CONTENT)
    for place in range(len(text)):
        replaced = text[:place] + ("A" if text[place] != "A" else "Q") + text[place + 1 :]
        removed = text[:place] + text[place + 1 :]
        # Some bits of the last character of a part decode to nothing, so its replacement may be the same text.
        is_last = text[place + 1 : place + 2] in {".", ""}
        assert sealer.open(removed) is None
        assert sealer.open(replaced) in ([None, CONTENT] if is_last else [None])


@pytest.mark.parametrize(
    "text", ["", ".", "....", "a.b.c.d.e", "é", "\ud800", "eyJhbGciOiJub25lIn0....", "x" * 100_000]
)
def test_what_is_no_sealed_text_does_not_open(text: str) -> None:
    """Any text is accepted as input, and gives None."""
    assert Sealer([NEW], "session").open(text) is None


@pytest.mark.parametrize(
    "header", [{"alg": "none"}, {"alg": "dir", "enc": "A256CBC-HS512"}, {"alg": "PBES2-HS256+A128KW"}]
)
def test_no_other_algorithm_is_accepted(header: dict[str, str]) -> None:
    """The header of a text chooses no algorithm, such as one that makes the server compute for long."""
    sealer = Sealer([NEW], "session")
    parts = sealer.seal(CONTENT).split(".")
    known = json.loads(base64.urlsafe_b64decode(parts[0] + "=="))
    changed = base64.urlsafe_b64encode(json.dumps({**known, "p2c": 10**9, "p2s": "AA", **header}).encode()).rstrip(b"=")
    assert sealer.open(".".join([changed.decode(), *parts[1:]])) is None


def test_a_text_of_another_key_does_not_open() -> None:
    """The id of a key in the header does not make another key valid."""
    sealer = Sealer([NEW], "session")
    header = json.loads(base64.urlsafe_b64decode(sealer.seal(CONTENT).split(".")[0] + "=="))
    forged = jwe.encrypt_compact(header, b"{}", OctKey.import_key(OTHER), algorithms=["dir", "A256GCM", "DEF"])
    assert sealer.open(forged) is None


def test_a_text_of_another_purpose_does_not_open() -> None:
    """An attempt is no session."""
    assert Sealer([NEW], "session").open(Sealer([NEW], "attempt").seal(CONTENT)) is None


def test_secrets_are_replaced_in_two_steps() -> None:
    """With the new and the old secret, texts of both open; the first seals; without the old one, its texts do not."""
    old, both, new = Sealer([OLD], "s"), Sealer([NEW, OLD], "s"), Sealer([NEW], "s")
    assert both.open(old.seal(CONTENT)) == both.open(new.seal(CONTENT)) == CONTENT
    assert (new.open(both.seal(CONTENT)), old.open(both.seal(CONTENT))) == (CONTENT, None)
    assert new.open(old.seal(CONTENT)) is None
