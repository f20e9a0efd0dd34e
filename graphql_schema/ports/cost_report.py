"""What an operation may cost and what it used, for a request with the header ``Prefer: cost``."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import JsonObject


@dataclass(slots=True)
class CostReport:
    """The cost of one operation.

    ``only``, a flag: the operation is priced and not executed. ``estimate``: the sizes that are compared with
    ``limits``, by name, such as ``{"objects": 120}``; both are empty until the operation is priced.
    """

    only: bool = False
    estimate: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)

    def extension(self, budget: OperationBudget) -> JsonObject:
        """Return the entry `cost` of the response's extensions; ``budget`` is that of the operation.

        The rows of the store are left out: they include hidden assets and their edges.
        """
        used = {"items": budget.items, "characters": budget.characters}
        return {"estimate": self.estimate, "limits": self.limits, "used": used}
