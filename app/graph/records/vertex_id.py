"""Vertex ids: a hash of tenant and URN, so that no key lookup and no lock is needed.

A caller chooses URNs and idempotency keys, and the hash has no secret. With some tens of billions of hashes a caller
finds a URN whose hash is one of a million known values. So what the store adds later under an id that can be computed
has an id that no hash of a URN is equal to: :func:`internal_vertex_id`.
"""

from hashlib import blake2b
from typing import Final

_INTERNAL: Final = 1 << 3
"""The low byte of the ids of internal vertices: the lowest bit that JanusGraph does not reserve."""


def vertex_id(tenant: str, urn: str) -> int:
    """Return the JanusGraph vertex id of the node ``urn`` in ``tenant``: a multiple of 256 from 2^8 to 2^63 - 2^8.

    It is a hash of 55 bits, shifted by 8. JanusGraph reserves the low three bits, and ids whose low byte is 0 lie in
    one id pool. Two of ``n`` nodes have the same id with a probability of about ``n^2 / 2^56``: 1.4e-5 for a million
    nodes. A vertex therefore stores tenant and URN, and its creator compares them. ``tenant`` must not contain NUL, the
    separator.
    """
    digest = blake2b(f"{tenant}\0{urn}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 9 or 1) << 8


def internal_vertex_id(area: str, name: str) -> int:
    """Return the vertex id of a vertex that belongs to no tenant, such as an entry of the write log.

    ``area`` is its purpose and ``name`` differs within that. The id differs from each one that :func:`vertex_id`
    returns, whatever tenant and URN.
    """
    return vertex_id(area, name) | _INTERNAL
