"""The difference of two policies for one caller: what is gained and lost, folded into phrases and blocks."""

from app.policy.asset_classes import AssetClass
from app.policy.compare import PolicyChange, changes, field_groups
from policies.governed import Governed
from policies.vocabulary import Label

DRAFT: AssetClass = ("own", "ORG", "PUBLIC", "DRAFT", "MODEL")
ACTIVE: AssetClass = ("own", "ORG", "PUBLIC", "ACTIVE", "MODEL")
RUN: AssetClass = ("own", "ORG", "PUBLIC", "DRAFT", "RUN")
GROUPS = {
    "MODEL": {
        "public fields": frozenset({"Model.id", "Model.name"}),
        "internal fields": frozenset({"Model.task", "Edge.at"}),
    }
}


def block(*classes: AssetClass) -> tuple[frozenset[str], ...]:
    """Return the block that holds some classes."""
    return tuple(frozenset(values) for values in zip(*classes, strict=True))


def changed(
    before: dict[AssetClass, set[str]], after: dict[AssetClass, set[str]]
) -> list[tuple[str, tuple[str, ...], tuple[frozenset[str], ...]]]:
    """Return the changes between decisions."""
    old = {each: frozenset(words) for each, words in before.items()}
    new = {each: frozenset(words) for each, words in after.items()}
    return [(each.verb, each.words, each.block) for each in changes(old, new, GROUPS)]


def test_equal_decisions_differ_in_nothing() -> None:
    """There is no change, also if the caller has no access at all."""
    assert changed({DRAFT: {"read"}}, {DRAFT: {"read"}}) == []
    assert changed({}, {}) == []


def test_losses_come_before_gains() -> None:
    """A reader of the difference sees first what stops working."""
    assert changed({DRAFT: {"read", "update"}}, {DRAFT: {"read", "link"}}) == [
        ("loses", ("update",), block(DRAFT)),
        ("gains", ("link",), block(DRAFT)),
    ]


def test_words_that_change_on_the_same_classes_are_one_line() -> None:
    """Actions come before phrases, phrases before fields; the classes are one block."""
    lost = {"update", "discover", "Model.uri", "Model.id", "Model.name"}
    assert changed({DRAFT: lost, ACTIVE: lost}, {DRAFT: set(), ACTIVE: set()}) == [
        ("loses", ("discover", "update", "public fields", "Model.uri"), block(DRAFT, ACTIVE))
    ]


def test_words_that_change_on_other_classes_are_lines_of_their_own() -> None:
    """A word is listed with exactly the classes on which it changes."""
    assert changed({DRAFT: {"read"}, ACTIVE: {"read", "link"}}, {DRAFT: set(), ACTIVE: set()}) == [
        ("loses", ("read",), block(DRAFT, ACTIVE)),
        ("loses", ("link",), block(ACTIVE)),
    ]


def test_a_phrase_replaces_all_of_its_fields_only() -> None:
    """One field of a group less is named by itself, and a kind without groups names its fields."""
    assert changed({DRAFT: set()}, {DRAFT: {"Model.task"}}) == [("gains", ("Model.task",), block(DRAFT))]
    assert changed({DRAFT: set()}, {DRAFT: {"Model.task", "Edge.at"}}) == [
        ("gains", ("internal fields",), block(DRAFT))
    ]
    assert changed({RUN: set()}, {RUN: {"Model.task", "Edge.at"}}) == [("gains", ("Edge.at", "Model.task"), block(RUN))]


def test_a_line_shows_six_names_and_counts_the_rest() -> None:
    """Six names are shown in full; more are counted."""
    names = tuple("abcdefgh")
    assert PolicyChange("gains", names[:6], block(DRAFT)).shown == "a, b, c, d, e, f"
    assert PolicyChange("gains", names, block(DRAFT)).shown == "a, b, c, d, e, f and 2 more"
    assert PolicyChange("gains", ("a",), block(DRAFT)).shown == "a"


def test_only_labels_that_are_not_logged_are_phrases() -> None:
    """Restricted and secret fields are in no group, and the fields of edges belong to every kind."""
    labels = {
        "Model": {"id": Label.PUBLIC, "task": Label.INTERNAL, "uri": Label.RESTRICTED, "token": Label.SECRET},
        "Edge": {"at": Label.INTERNAL, "why": Label.RESTRICTED},
    }
    assert field_groups(labels, Governed({"Model": labels["Model"]}, {"Edge": labels["Edge"]})) == {
        "MODEL": {"public fields": {"Model.id"}, "internal fields": {"Model.task", "Edge.at"}}
    }
