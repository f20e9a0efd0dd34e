"""What an operation may cost and used, and how it was executed, for requests with `Prefer: cost` and `explain`."""

from collections import Counter
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
        used = {"items": budget.items, "values": budget.values, "characters": budget.characters}
        return {"estimate": self.estimate, "limits": self.limits, "used": used}


@dataclass(slots=True)
class PlanReport:
    """The execution of one operation.

    ``objects`` counts for how many objects the resolver of each field was called, by the ``id()`` of its plan step.
    ``steps`` are the entries of the response on these fields, empty if graphql-core executed the operation.
    """

    objects: Counter[int] = field(default_factory=Counter)
    steps: list[JsonObject] = field(default_factory=list)

    def clear(self) -> None:
        """Remove all entries, because the operation begins again."""
        self.objects.clear()
        self.steps.clear()

    def extension(self) -> JsonObject:
        """Return the entry `plan` of the response's extensions."""
        return {"execution": "VECTORS" if self.steps else "GRAPHQL_CORE", "steps": self.steps}
