"""Names with equal hashes, and so equal vertex ids: a search for them takes minutes, so the hash is replaced."""

from hashlib import blake2b
from typing import Any

import pytest

from app.graph.records import vertex_id


def give_equal_hashes(monkeypatch: pytest.MonkeyPatch, *ends: str) -> None:
    """Give all names that end with one of these texts the same hash, in every tenant; other texts have another one."""
    equal = tuple(end.encode() for end in ends)

    def hashed(text: bytes, *, digest_size: int) -> Any:
        return blake2b(b"\0".join(equal) if text.endswith(equal) else text, digest_size=digest_size)

    monkeypatch.setattr(vertex_id, "blake2b", hashed)
