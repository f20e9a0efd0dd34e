"""Tunes the garbage collector: start-up objects are frozen, and collections run less often.

A response of some thousand objects makes the default collector traverse the schema, the policy and every module several
times. Measured on a query of 50 models with their versions, data and owners, CPU p50 of the API is 200 ms by default.
Freezing start-up objects makes it 118 ms, freezing with fewer collections 107 ms, and freezing without any 98 ms.
"""

import gc
from typing import Final

YOUNG_THRESHOLD: Final = 20_000
"""Net allocations between two collections of the youngest generation; the default of Python 3.11 is 700."""


def freeze_startup_objects() -> None:
    """Exclude all objects that exist now from collections, and make collections less frequent.

    Call once, when the process is ready to serve.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_THRESHOLD, 20, 50)
