"""The rules as they were written: parsed once, checked against the vocabulary, matched to actions."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from cedarpy import PolicySet, Schema, pst, validate_policies

from policies.errors import ConfigurationError


@dataclass(frozen=True)
class Rule:
    """One policy: its ``@id``, the question it answers (``@doc``) and its typed text."""

    id: str
    doc: str
    effect: Literal["permit", "forbid"]
    text: pst.Template

    def matches(self, action: str, group: str | None) -> bool:
        """Whether the rule speaks of an action that is a member of ``group``."""
        match self.text.action:
            case pst.ActionEq(entity):
                return entity.id == action
            case pst.ActionIn(entities):
                return any(entity.id in (action, group) for entity in entities)
        return True

    @property
    def reason(self) -> str:
        """The rule as people read it in an answer."""
        return f"{self.id}: {self.doc}"


@dataclass(frozen=True)
class Rules:
    """All rules that speak of one action or of a class of actions."""

    permits: tuple[Rule, ...]
    forbids: tuple[Rule, ...]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> "Rules":
        """Split rules by their effect."""
        known = tuple(rules)
        return cls(
            tuple(rule for rule in known if rule.effect == "permit"),
            tuple(rule for rule in known if rule.effect == "forbid"),
        )

    def __iter__(self) -> Iterator[Rule]:
        return iter((*self.permits, *self.forbids))

    def matching(self, action: str, group: str | None = None) -> "Rules":
        """Keep the rules that speak of an action."""
        return Rules.of(rule for rule in self if rule.matches(action, group))


def parse(text: str, schema: Schema) -> tuple[PolicySet, Rules]:
    """Parse Cedar text and validate it, or stop with a :class:`ConfigurationError` that names the policy."""
    try:
        policies = PolicySet.from_str(text)
        tree = policies.to_pst()
    except ValueError as error:
        raise ConfigurationError(f"The policies cannot be parsed: {error}. Correct the Cedar text.") from error
    if tree.templates or tree.template_links:
        raise ConfigurationError(f"Policy templates are not supported ({', '.join(tree.templates)}): write them out.")
    rules = [_rule(template) for template in tree.static_policies.values()]
    _refuse_invalid(text, schema)
    twice = [name for name, times in Counter(rule.id for rule in rules).items() if times > 1]
    if twice:
        raise ConfigurationError(f"Several policies have the @id {', '.join(twice)}: give each its own.")
    return policies, Rules.of(rules)


def _rule(template: pst.Template) -> Rule:
    name, doc = template.annotations.get("id"), template.annotations.get("doc")
    if not name:
        raise ConfigurationError(f"The policy that Cedar counts as {template.id} has no @id: give it one.")
    if not doc:
        raise ConfigurationError(f"Policy {name} has no @doc: write the question that it answers.")
    return Rule(name, doc, template.effect, template)


def _refuse_invalid(text: str, schema: Schema) -> None:
    result = validate_policies(text, schema)
    if result.validation_passed:
        return
    names = result.id_annotations_by_policy_id
    faults = [f"{names.get(fault.policy_id, fault.policy_id)}: {fault.error}" for fault in result.errors]
    raise ConfigurationError(
        "Policies do not fit the schema: " + "; ".join(faults) + ". Correct the names or the labels they rely on.",
    )
