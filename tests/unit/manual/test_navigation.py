"""The navigation of the site: each page of the repository is in it, in one place."""

import re
from pathlib import Path

import pytest
from support.source_tree import files, read

from manual.navigation import Navigation, Part, Section, read_navigation, section_page, start_page

NOT_PAGES = ("tests/data/",)
"""Folders with files of other projects."""

PAGES = [name for name in files() if name.endswith(".md") and not name.startswith(NOT_PAGES)]
NAVIGATION = read_navigation()

SMALL = Navigation(
    "Graph",
    "About it.",
    {"README.md": "Overview"},
    (Part("Guides", "To do.", ("README.md", "docs/a.md"), (Section("Run it", "Later.", ("docs/b.md",)),)),),
)


def test_each_page_of_the_repository_is_named_once() -> None:
    """A page that is added is found on the site, and a page that is removed is not missed there."""
    assert sorted(NAVIGATION.pages) == sorted(PAGES)


def test_the_four_kinds_of_documentation_are_the_parts() -> None:
    """Tutorials, guides, reference and explanation, each with a sentence on what it is for."""
    assert [part.title for part in NAVIGATION.parts] == ["Tutorials", "Guides", "Reference", "Explanation"]
    texts = [part.about for part in NAVIGATION.parts] + [section.about for section in NAVIGATION.sections]
    assert all(text.endswith(".") for text in texts)


def test_each_of_the_five_users_has_a_guide() -> None:
    """The guides come first in their part, the start page links to each, and the tutorial does so, too."""
    guides = [page for page in PAGES if page.startswith("docs/guides/")]
    assert len(guides) == 5
    assert sorted(NAVIGATION.parts[1].pages) == guides
    assert [page for page in guides if f"(/{page})" not in NAVIGATION.about] == []
    assert [page for page in guides if f"({page.removeprefix('docs/')})" not in read("docs/tutorial.md")] == []


def test_generated_sections_are_the_schema_and_the_policy() -> None:
    """Only these are generated, and their sections have no page of the repository."""
    generated = [section for section in NAVIGATION.sections if section.generated]
    assert [section.generated for section in generated] == ["schema", "policy"]
    assert [section.pages for section in generated] == [(), ()]


def test_decisions_are_listed_by_their_folder() -> None:
    """A new decision needs no line: the section of the folder has all of them, in order."""
    (section,) = [section for section in NAVIGATION.sections if section.folder]
    assert section.pages == tuple(page for page in PAGES if page.startswith("docs/adr/"))
    assert len(section.pages) >= 34


def test_sections_have_different_pages() -> None:
    """The page of a section is named by its title, so no two titles may make the same name."""
    paths = [section.path for section in NAVIGATION.sections]
    assert len({*paths}) == len(paths)
    assert all(re.fullmatch(r"sections/[a-z-]+\.md", path) for path in paths)


def test_the_start_page_lists_the_pages_of_each_part() -> None:
    """Each part is a chapter with its pages and sections, under another title where the navigation has one."""
    assert start_page(SMALL) == (
        "# Graph\n\nAbout it.\n\n## Guides\nTo do.\n\n```{toctree}\n:maxdepth: 1\n:caption: Guides\n\n"
        "Overview </README>\n/docs/a\n/sections/run-it\n```\n"
    )


def test_the_page_of_a_section_lists_its_pages() -> None:
    """A section has its text and its pages."""
    (section,) = SMALL.sections
    assert section_page(SMALL, section, ["docs/b.md"]) == (
        "# Run it\n\nLater.\n\n```{toctree}\n:maxdepth: 1\n\n/docs/b\n```\n"
    )


def test_a_key_that_nothing_reads_is_refused(tmp_path: Path) -> None:
    """A typing error in the file does not lose pages in silence."""
    path = tmp_path / "navigation.toml"
    path.write_text('title = ""\nabout = ""\n[titles]\n[[part]]\ntitle = ""\nabout = ""\npgaes = []\nsection = []\n')
    with pytest.raises(TypeError, match="pgaes"):
        read_navigation(path)
