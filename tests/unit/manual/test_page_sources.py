"""The sources of the site: pages as they are, with diagrams and links to folders changed."""

from pathlib import Path

import pytest

from manual.navigation import Navigation, Part, Section
from manual.page_sources import linked_files, page_source, write_sources

PAGE = """# Page
See [the decisions](adr), [tests](../tests/), [a file](../job.py), [another](other.md#part) and [a site](https://a.example/adr).

```mermaid
flowchart LR

  a["x & y"] --> b
```

```text
[not a link](adr)
```

![a picture](shot.png)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with a page, a file and a picture."""
    (tmp_path / "docs" / "adr").mkdir(parents=True)
    (tmp_path / "tests").mkdir()
    (tmp_path / "docs" / "page.md").write_text(PAGE)
    (tmp_path / "docs" / "shot.png").write_bytes(b"png")
    (tmp_path / "job.py").write_text("run()")
    return tmp_path


def test_diagrams_and_links_to_folders_are_changed(root: Path) -> None:
    """A folder with a section leads there, another one is only text; a diagram is HTML without a blank line."""
    assert page_source(PAGE, "docs/page.md", root, {"docs/adr": "sections/decisions.md"}) == PAGE.replace(
        "See [the decisions](adr), [tests](../tests/)", "See [the decisions](/sections/decisions.md), tests"
    ).replace(
        '```mermaid\nflowchart LR\n\n  a["x & y"] --> b\n```',
        '<pre class="mermaid">\nflowchart LR\n  a[&quot;x &amp; y&quot;] --&gt; b\n</pre>\n',
    )


def test_files_that_a_page_shows_or_links_to_are_found(root: Path) -> None:
    """Pictures and files are found; pages, folders, addresses and what is missing are not."""
    assert linked_files(PAGE, "docs/page.md", root) == {"docs/shot.png", "job.py"}


def test_pages_generated_pages_and_files_are_written(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The folder has all sources: pages, the files that they need, generated pages, sections and the start page."""
    folder = tmp_path_factory.mktemp("sources")
    schema = Section("Schema", "Types.", generated="schema")
    navigation = Navigation("Site", "About.", {}, (Part("Reference", "All.", ("docs/page.md",), (schema,)),))
    write_sources(root, folder, navigation, {"schema": {"reference/types.md": "# Types\n"}})
    written = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert written == [
        "docs/page.md", "docs/shot.png", "index.md", "job.py", "reference/types.md", "sections/schema.md",
    ]  # fmt: skip
    assert "/reference/types\n" in (folder / "sections" / "schema.md").read_text()
    assert "/docs/page\n/sections/schema\n" in (folder / "index.md").read_text()
