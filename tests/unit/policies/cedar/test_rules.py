"""Cedar rules as written: parsed with their texts, selected by action, and refused with the id of the wrong one."""

import pytest
from cedarpy import Schema

from policies.cedar.rules import Rules, parse
from policies.errors import ConfigurationError
from policies.vocabulary import Label, cedar_schema

SCHEMA = Schema.from_str(cedar_schema({"Model": {"id": Label.PUBLIC, "task": Label.RESTRICTED}}))

TEXT = """
@id("all") @doc("Always.") permit(principal, action, resource);
@id("one") @doc("To read.") permit(principal, action == Action::"read", resource);
@id("field") @doc("The task.") permit(principal, action == Action::"Model.task", resource);
@id("label") @doc("Restricted fields.") forbid(principal, action in Action::"restricted", resource);
@id("several") @doc("Two.") forbid(principal, action in [Action::"discover", Action::"Model.id"], resource);
"""


def rules(text: str = TEXT) -> Rules:
    """Return the rules of a text."""
    return parse(text, SCHEMA)[1]


def test_rules_keep_their_texts_and_are_split_by_effect() -> None:
    """Permits come first, each in the order of the text, with its id and its condition as the reason."""
    found = rules()
    assert [rule.id for rule in found.permits] == ["all", "one", "field"]
    assert [rule.id for rule in found.forbids] == ["label", "several"]
    assert [rule.reason for rule in found] == [
        "all: Always.",
        "one: To read.",
        "field: The task.",
        "label: Restricted fields.",
        "several: Two.",
    ]


@pytest.mark.parametrize(
    ("action", "group", "names"),
    [
        ("read", None, ["all", "one"]),
        ("discover", None, ["all", "several"]),
        ("Model.task", "restricted", ["all", "field", "label"]),
        ("Model.id", "public", ["all", "several"]),
        ("Model.id", "restricted", ["all", "label", "several"]),
        ("update", None, ["all"]),
    ],
)
def test_rules_are_selected_by_action_and_its_group(action: str, group: str | None, names: list[str]) -> None:
    """A rule for every action, for this action, for its group, or for a list with either of them applies."""
    assert [rule.id for rule in rules().matching(action, group)] == names


def test_no_rules_are_a_valid_policy() -> None:
    """An empty text permits nothing and is no error here; a folder without rules is refused elsewhere."""
    assert [*rules("")] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '@doc("?") permit(principal, action, resource);',
            "The policy that Cedar numbers policy0 has no @id. Give it an @id.",
        ),
        (
            '@id("") @doc("?") permit(principal, action, resource);',
            "The policy that Cedar numbers policy0 has no @id. Give it an @id.",
        ),
        ('@id("a") permit(principal, action, resource);', "Policy a has no @doc. Write its condition as a sentence."),
        (
            '@id("a") @doc("?") permit(principal, action, resource);' * 3,
            "Several policies have the @id a. Give each its own @id.",
        ),
        (
            '@id("a") @doc("?") permit(principal == ?principal, action, resource);',
            "Policy templates are not supported: policy0. Write a policy for each use.",
        ),
    ],
)
def test_a_rule_that_cannot_be_named_in_a_reason_is_refused(text: str, message: str) -> None:
    """Each rule needs an id of its own and a sentence, because both are shown to callers."""
    with pytest.raises(ConfigurationError) as error:
        rules(text)
    assert error.value.message == message


def test_every_rule_that_does_not_fit_the_schema_is_named() -> None:
    """Validation reports all wrong rules of the text at once, by id."""
    wrong = TEXT.replace('"read"', '"reed"').replace('"Model.id"', '"Model.name"')
    with pytest.raises(ConfigurationError) as error:
        rules(wrong)
    message = error.value.message
    assert message.startswith("Policies do not fit the schema: ")
    assert [f"{name}: " in message for name in ("one", "several", "all", "label")] == [True, True, False, False]
    assert message.endswith(". Correct the names, or the labels of the fields.")


def test_broken_text_is_refused() -> None:
    """Text that is no Cedar stops the start with the message of the parser."""
    with pytest.raises(ConfigurationError, match=r"The policies cannot be parsed: .*Correct the Cedar text"):
        rules("permit(principal")
