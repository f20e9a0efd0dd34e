"""The Cedar engine: evaluates the rules for single requests and returns decisions with their reasons.

Requests use it for writes only. Rows and fields are decided by compiled predicates, which tests compare with it.
Measured: 40 µs for a decision, and 170 µs for passing a caller and an asset to Cedar.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import structlog
from cedarpy import AuthzResult, Entities, Schema, is_authorized_batch

from policies.attributes import Caller, PolicyAttributes, caller_attributes
from policies.cedar.rules import parse
from policies.decision import NEEDS, Decision
from policies.principal import Principal
from policies.vocabulary import Labels, actions, cedar_schema

log = structlog.get_logger()

PolicyRequest = tuple[str, PolicyAttributes]
"""An action, and the attributes of the asset that it concerns."""


class Engine:
    """The validated rules in ``text`` (Cedar).

    They must fit the Cedar schema made from ``labels``. Raises the errors of `policies.cedar.rules.parse`.
    """

    def __init__(self, text: str, labels: Labels) -> None:
        self._schema = Schema.from_str(cedar_schema(labels))
        self._policies, self.rules = parse(text, self._schema)
        self._only_seeks_the_owner = self.rules.only_seek_the_owner
        self._tests_teams = self.rules.test_teams
        self._docs = {rule.id: rule.reason for rule in self.rules}
        self._groups = dict(actions(labels))
        self._missing_permits = cache(self._find_missing_permits)

    def decide(self, principal: Principal, action: str, attributes: PolicyAttributes) -> Decision:
        """Decide whether a caller may perform ``action`` on an asset."""
        return self.decide_all(principal, [(action, attributes)])[0]

    def decide_all(self, principal: Principal, requests: Sequence[PolicyRequest]) -> list[Decision]:
        """Decide several requests of one caller, in their order.

        The caller, and each distinct set of attributes, is passed to Cedar once only. Of the owners for whom the caller
        acts, which may be thousands, only those are passed that own one of the assets, unless a rule tests others. The
        teams are passed if a rule tests them.
        """
        assets = {attributes: str(number) for number, (_action, attributes) in enumerate(requests)}
        caller = {**caller_attributes(principal)}
        if self._only_seeks_the_owner:
            caller["owners"] = principal.owners & {each.owner_team for each in assets}
        if not self._tests_teams:
            caller["teams"] = frozenset()
        entities = Entities.from_json_str(json.dumps([*_entities(principal.subject, caller, assets)]), self._schema)
        cedar_requests = [
            {
                "principal": {"type": "Principal", "id": principal.subject},
                "action": {"type": "Action", "id": action},
                "resource": {"type": "Asset", "id": assets[attributes]},
                "context": "{}",
            }
            for action, attributes in requests
        ]
        results = is_authorized_batch(cedar_requests, self._policies, entities, self._schema)
        return [
            self._decision(principal, action, result)
            for (action, _attributes), result in zip(requests, results, strict=True)
        ]

    def _decision(self, principal: Principal, action: str, result: AuthzResult) -> Decision:
        """Return the decision in a result of Cedar.

        An error during evaluation is a denial: Cedar skips a ``forbid`` that fails, which could allow the action.
        """
        errors = list(result.diagnostics.errors)
        if errors:
            log.error("policy_decision_error", alert=True, subject=principal.subject, action=action, errors=errors)
            return Decision(allowed=False, reasons=("A policy could not be evaluated. The error is in the log.",))
        names = result.diagnostics.id_annotations_by_reason
        policies = tuple(sorted(names[key] for key in result.diagnostics.reasons))
        if result.allowed or policies:
            return Decision(result.allowed, policies, tuple(self._docs[policy] for policy in policies))
        return Decision(allowed=False, reasons=self._missing_permits(action))

    def _find_missing_permits(self, action: str) -> tuple[str, ...]:
        permits = self.rules.matching(action, self._groups.get(action)).permits
        return tuple(f"{NEEDS}{rule.reason}" for rule in permits) or (f"No policy permits {action}.",)


def _entities(subject: str, caller: Caller, assets: Mapping[PolicyAttributes, str]) -> Iterator[dict[str, object]]:
    attributes = {name: sorted(value) if isinstance(value, frozenset) else value for name, value in caller.items()}
    yield {"uid": {"type": "Principal", "id": subject}, "attrs": attributes, "parents": []}
    for each, number in assets.items():
        yield {"uid": {"type": "Asset", "id": number}, "attrs": each.named(), "parents": []}
