"""Near names: the nearest first, few of them, and none that differs in most of its letters."""

from graphql_schema.rules.near_names import near_names, with_names


def test_the_nearest_names_come_first() -> None:
    """Of five names the three nearest are returned, in order; another word is none of them."""
    known = ["releases", "release", "relaxes", "governance", "rel"]
    assert near_names("relase", known) == ("release", "relaxes", "releases")
    assert near_names("relase", ["governance"]) == ()


def test_a_message_ends_with_near_names() -> None:
    """Names are added as a sentence; without names the message is unchanged."""
    assert with_names("No such gate.", ["a", "b"]) == "No such gate. Similar: a, b."
    assert with_names("No such gate.", []) == "No such gate."
