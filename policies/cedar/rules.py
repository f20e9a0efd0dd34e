"""The Cedar rules as written: parsed, validated against the Cedar schema, and selected by action."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from cedarpy import PolicySet, Schema, pst, validate_policies

from policies.errors import ConfigurationError

_IS_OWNER: Final = pst.BinaryOp(
    "contains", pst.GetAttr(pst.Var("principal"), "owners"), pst.GetAttr(pst.Var("resource"), "ownerTeam")
)


@dataclass(frozen=True)
class Rule:
    """One Cedar policy: its ``@id``, the sentence that states its condition (``@doc``), its effect and parsed text."""

    id: str
    doc: str
    effect: Literal["permit", "forbid"]
    text: pst.Template

    def matches(self, action: str, group: str | None) -> bool:
        """Return whether the rule applies to ``action``; ``group`` is its action group, None without one."""
        match self.text.action:
            case pst.ActionEq(entity):
                return entity.id == action
            case pst.ActionIn(entities):
                return any(entity.id in (action, group) for entity in entities)
        return True

    @property
    def reason(self) -> str:
        """The id and the condition of the rule, as shown in reasons."""
        return f"{self.id}: {self.doc}"


@dataclass(frozen=True)
class Rules:
    """A set of rules, split by effect."""

    permits: tuple[Rule, ...]
    forbids: tuple[Rule, ...]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> "Rules":
        """Return ``rules`` split by effect."""
        collected = tuple(rules)
        return cls(
            tuple(rule for rule in collected if rule.effect == "permit"),
            tuple(rule for rule in collected if rule.effect == "forbid"),
        )

    def __iter__(self) -> Iterator[Rule]:
        return iter((*self.permits, *self.forbids))

    @property
    def only_seek_the_owner(self) -> bool:
        """Whether all that the rules test of the owners of a caller is that the owner of the asset is among them."""
        text = repr([rule.text for rule in self])
        return text.count("attr='owners'") == text.count(repr(_IS_OWNER))

    @property
    def test_teams(self) -> bool:
        """Whether a rule tests the teams of a caller, and not their assets alone."""
        return "attr='teams'" in repr([rule.text for rule in self])

    def matching(self, action: str, group: str | None = None) -> "Rules":
        """Return the rules that apply to ``action``; ``group`` is its action group, None without one."""
        return Rules.of(rule for rule in self if rule.matches(action, group))


def parse(text: str, schema: Schema) -> tuple[PolicySet, Rules]:
    """Return the policies in ``text`` (Cedar), validated against ``schema``, for Cedar and as `Rules`.

    Raises `ConfigurationError` if the text cannot be parsed, has a template, or a policy does not fit the schema, has
    no ``@id`` or ``@doc``, or repeats an ``@id``.
    """
    try:
        policies = PolicySet.from_str(text)
        tree = policies.to_pst()
    except ValueError as error:
        raise ConfigurationError(f"The policies cannot be parsed: {error}. Correct the Cedar text.") from error
    if tree.templates or tree.template_links:
        raise ConfigurationError(
            f"Policy templates are not supported: {', '.join(tree.templates)}. Write a policy for each use."
        )
    rules = [_to_rule(template) for template in tree.static_policies.values()]
    _refuse_invalid(text, schema)
    repeated = [name for name, count in Counter(rule.id for rule in rules).items() if count > 1]
    if repeated:
        raise ConfigurationError(f"Several policies have the @id {', '.join(repeated)}. Give each its own @id.")
    return policies, Rules.of(rules)


def _to_rule(template: pst.Template) -> Rule:
    name, doc = template.annotations.get("id"), template.annotations.get("doc")
    if not name:
        raise ConfigurationError(f"The policy that Cedar numbers {template.id} has no @id. Give it an @id.")
    if not doc:
        raise ConfigurationError(f"Policy {name} has no @doc. Write its condition as a sentence.")
    return Rule(name, doc, template.effect, template)


def _refuse_invalid(text: str, schema: Schema) -> None:
    result = validate_policies(text, schema)
    if result.validation_passed:
        return
    names = result.id_annotations_by_policy_id
    errors = [f"{names.get(error.policy_id, error.policy_id)}: {error.error}" for error in result.errors]
    raise ConfigurationError(
        "Policies do not fit the schema: " + "; ".join(errors) + ". Correct the names, or the labels of the fields.",
    )
