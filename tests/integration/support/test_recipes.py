"""The tests over a store that the pages of `docs/recipes/` contain."""

from pathlib import Path

from support.recipes import WORDS, recipe
from support.scratch_copy import run, scratch_copy


def test_the_journeys_of_the_pages_pass(tmp_path: Path) -> None:
    """In a copy that has the examples of all pages, the tests of the pages pass over a store."""
    tree = scratch_copy(tmp_path / "tree")
    pages = [recipe(name, f"zebra{word}") for name, word in WORDS.items()]
    for page in pages:
        for step in page.steps:
            step.apply(tree)
    journeys = [journey for page in pages for journey in page.journeys]
    commands = dict.fromkeys(command for page in pages for command in page.commands)
    found = run(tree, commands, journeys)
    assert found.passed, found.output
    assert f"{len(journeys)} passed" in found.output
