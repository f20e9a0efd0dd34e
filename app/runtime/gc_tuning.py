"""How the process collects garbage: what was built at start is set aside, and short-lived answers are looked at rarely.

An answer of some thousand objects makes the default collector walk the whole schema, the policy and every module
several times. Measured on 50 models with their versions, data and owners, CPU p50 of the API: 200 ms by default, 118 ms
with the start-up set aside, 107 ms with rarer collections too, 98 ms without any.
"""

import gc
from typing import Final

YOUNG: Final = 20_000
"""Net allocations before the youngest objects are looked at."""


def freeze_startup_objects() -> None:
    """Set aside everything that lives now; call once the process is ready to serve."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)
