"""Values of the index that differ from those of the record, equal for the record and for the argument of a filter."""

import json
import struct
from hashlib import blake2b


def property_term(key: str, text: str) -> str:
    """Return the term of a free property: 32 hexadecimal digits, because a term of the index has a maximal length.

    Terms of different pairs differ, unless their hashes collide. The escapes of JSON separate key and value, also if
    both contain quotes.
    """
    return blake2b(json.dumps([key, text]).encode(), digest_size=16).hexdigest()


def cost_rank(usd: float) -> int:
    """Return an integer that orders amounts of US dollars of at least 0 exactly; that of a negative one is below 0.

    These are the bits of the number by IEEE 754. JanusGraph finds no 0 below a bound of the class Double, because its
    range begins at ``Double.MIN_VALUE``, which is positive.
    """
    (rank,) = struct.unpack(">q", struct.pack(">d", usd + 0.0))  # 0 is added because -0.0 has other bits than 0.0
    return int(rank)
