"""Explains one decision about one asset: the result, the policies that made it, and what is missing.

For operators: the asset is read without a policy. The only values of the asset in an explanation are the policy
attributes that the examined caller may see.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.reading.level.level_batcher import LevelBatcher, LevelRequest
from app.graph.reading.team_closure import close_teams
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.read_time import ReadTime
from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import attributes as attributes_of
from graphql_schema.catalog.kinds import KIND_OF_CODE
from graphql_schema.catalog.properties import FIELD_OF
from graphql_schema.catalog.urn import slug_of
from policies.access import Access
from policies.attributes import PolicyAttributes
from policies.decision import Grade
from policies.errors import Code, CodedError, InvalidError
from policies.governed import kind_code
from policies.policy import Policy
from policies.principal import Principal, Scope
from policies.vocabulary import RowAction, WriteAction, field_action


@dataclass(frozen=True)
class Explanation:
    """A decision about an asset, for one caller.

    ``policies`` are the rules that made the decision, each with its condition. ``needs`` are the reasons why nothing
    permits a denied action: a missing scope, rules of which one must permit the action, or that the caller may not read
    the asset. ``grade`` is the caller's access grade. ``visible`` are the policy attributes that the caller may see.
    """

    allowed: bool
    policies: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    grade: Grade = Grade.HIDDEN
    visible: dict[str, str] = field(default_factory=dict)


async def asset_and_caller(client: GremlinClient, principal: Principal, urn: str) -> tuple[PolicyAttributes, Principal]:
    """Return the policy attributes of an asset, and the caller with the owners that `close_teams` returns.

    Raises a CodedError with NOT_FOUND if the caller's tenant has no such asset, and that of a store that fails.
    """
    vid = vertex_id(principal.tenant, urn)
    answer = await LevelBatcher(client, principal.tenant, ReadTime(epoch_milliseconds())).fetch(
        LevelRequest(vertices=[vid])
    )
    record = answer.records.get(vid)
    if record is None or record["id"] != urn:
        raise CodedError(f"{urn} does not exist in tenant {principal.tenant}; check the id.", Code.NOT_FOUND)
    owners = await close_teams(client, principal.tenant, principal.teams)
    teams = frozenset(owner for owner in owners if slug_of(owner) == "team")
    return attributes_of(record), replace(principal, teams=teams, acts_for=principal.acts_for | (owners - teams))


def explain(policy: Policy, principal: Principal, action: str, attributes: PolicyAttributes) -> Explanation:
    """Explain a row action, a write, or the reading of a field (``ModelVersion.params`` or ``params``).

    Raises InvalidError if ``action`` is none of these. Of a kind whose reading the policy does not govern, raises it
    for every action but a write.
    """
    access = policy.access(principal)
    kind = KIND_OF_CODE[attributes.kind]
    if action in [*WriteAction]:
        decision = access.may(action, attributes)
        policies, needs = (decision.reasons, ()) if decision.policies else ((), decision.reasons)
        found = Explanation(decision.allowed, policies, needs)
    elif not kind.asset:
        raise InvalidError(
            f"All callers of a tenant with {Scope.READ} may read each {kind.name} in it; give a write action."
        )
    elif action in [*RowAction]:
        found = _row(policy, access, RowAction(action), attributes)
    else:
        found = _field(policy, access, action, attributes)
    grade = access.grade(attributes) if kind.asset else Grade.READ
    return replace(found, grade=grade, visible=_visible(policy, access, grade, attributes))


def _row(policy: Policy, access: Access, action: RowAction, attributes: PolicyAttributes) -> Explanation:
    """Explain a row action; reading also requires discovering, so the first of the two that is denied is explained."""
    if not access.principal.may(Scope.READ):
        return Explanation(allowed=False, needs=(f"scope:{Scope.READ}",))
    wanted = [each for each in RowAction if Grade[each.name] <= Grade[action.name]]
    decisions = [policy.engine.decide(access.principal, each, attributes) for each in wanted]
    denied = next((decision for decision in decisions if not decision.allowed), None)
    if denied is None:
        return Explanation(allowed=True, policies=decisions[-1].reasons)
    if denied.policies:
        return Explanation(allowed=False, policies=denied.reasons)
    return Explanation(allowed=False, needs=denied.reasons)


def _field(policy: Policy, access: Access, action: str, attributes: PolicyAttributes) -> Explanation:
    kind = KIND_OF_CODE[attributes.kind].name
    type_name, _, name = action.rpartition(".")
    type_name = type_name or kind
    of_others = type_name != kind and kind_code(type_name) in KIND_OF_CODE
    if of_others or name not in policy.labels.get(type_name, {}):
        raise InvalidError(
            f"{action} is neither an action nor a governed field of {kind}; give one such as {kind}.name."
        )
    denial = access.field_mask(type_name, attributes).why.get(name)
    if denial is None:
        decision = policy.engine.decide(access.principal, field_action(type_name, name), attributes)
        return Explanation(allowed=True, policies=decision.reasons)
    return Explanation(allowed=False, policies=_reasons(policy, denial.policies), needs=_reasons(policy, denial.needs))


def _reasons(policy: Policy, names: Iterable[str]) -> tuple[str, ...]:
    reasons = {rule.id: rule.reason for rule in policy.engine.rules}
    return tuple(reasons.get(name, name) for name in names)


def _visible(policy: Policy, access: Access, grade: Grade, attributes: PolicyAttributes) -> dict[str, str]:
    if grade is Grade.HIDDEN:
        return {}
    kind = KIND_OF_CODE[attributes.kind].name
    hidden = access.field_mask(kind, attributes).hidden if kind in policy.labels else frozenset()
    return {name: value for name, value in attributes.named().items() if FIELD_OF[name] not in hidden}
