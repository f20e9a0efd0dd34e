"""docs/architecture.md and docs/glossary.md lead to the code: packages, layers, concepts and terms."""

import re
import tomllib
from itertools import pairwise

import pytest
from support.plain_english import NAMES, PROSE
from support.references import defines
from support.source_tree import ROOT, code_blocks, files, read

ROW = re.compile(r"(?m)^\| ([^|\n]+) \| (`[^|\n]+`) \| ([^|\n]+) \|$")
TERM = re.compile(r"(?m)^- \*\*([^*]+)\*\*: .*[.:)\]] `([^`]+)`$")
QUOTED = re.compile(r"`([^`]+)`")

PAGE = read("docs/architecture.md")
CONCEPTS = ROW.findall(PAGE)
TERMS = TERM.findall(read("docs/glossary.md"))
CONTRACTS = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
LAYERED = {each["containers"][0].replace(".", "/"): each["layers"] for each in CONTRACTS if "containers" in each}


def folders() -> set[str]:
    """Return the packages of the product, and the other folders at the root."""
    packages = {name.removesuffix("/__init__.py") for name in files() if name.endswith("/__init__.py")}
    return {name for name in packages if not name.startswith("tests")} | {
        name.split("/")[0] for name in files() if "/" in name and not name.startswith(".")
    }


def tree() -> dict[str, str]:
    """Return the folders that the page opens with, each with its line."""
    (block,) = re.findall(r"(?s)\A# Architecture\n\n```\n(.*?)```", PAGE)
    found: dict[str, str] = {}
    parents: list[str] = []
    for line in block.splitlines():
        indent, name, text = re.fullmatch(r"( *)(\w+)/ +(\S.*)", line).groups()  # type: ignore[union-attr]
        parents[len(indent) // 2 :] = [name]
        found["/".join(parents)] = text
    return found


def test_the_tree_is_that_of_the_repository() -> None:
    """Every package and every folder at the root has a line on the page, and no other folder has."""
    assert set(tree()) == folders()


def test_the_picture_shows_the_layers() -> None:
    """The picture names every package and module that the layers of `app` and `graphql_schema` name."""
    (picture,) = code_blocks("docs/architecture.md", "mermaid")
    names = set(re.findall(r"\w+", picture))
    for container in ("app", "graphql_schema"):
        members = {member for layer in LAYERED[container] for member in layer.split(" | ")}
        assert members - {"__main__"} <= names, container


@pytest.mark.parametrize("container", sorted(LAYERED))
def test_the_layers_are_those_of_the_contracts(container: str) -> None:
    """docs/design/layout.md lists the layers of each package as the contracts of import-linter have them."""
    row = f"| `{container}` | {' / '.join(LAYERED[container]).replace(' | ', ' · ')} |"
    assert row in read("docs/design/layout.md")


def test_the_map_is_long_enough() -> None:
    """A map of a few dozen rows would leave nouns of bug reports out."""
    assert len(CONCEPTS) >= 60


def test_the_map_is_sorted() -> None:
    """Concepts are found by their first letter."""
    concepts = [re.sub(r"[*`]", "", concept).lower() for concept, *_ in CONCEPTS]
    assert concepts == sorted(concepts)


@pytest.mark.parametrize(("concept", "paths", "names"), CONCEPTS, ids=[concept for concept, *_ in CONCEPTS])
def test_each_concept_is_in_the_files_of_its_row(concept: str, paths: str, names: str) -> None:
    """Each file of a row exists, and one of them defines each name of the row."""
    listed = QUOTED.findall(paths)
    assert [path for path in listed if not (ROOT / path).is_file()] == []
    modules = [path for path in listed if path.endswith(".py")]
    lost = [name for name in QUOTED.findall(names) if not any(defines(path, name) for path in modules)]
    assert lost == [], concept


def test_terms_are_defined_once_and_in_order() -> None:
    """The glossary is alphabetical, and no term is defined twice."""
    terms = [term.lower() for term, _ in TERMS]
    assert [(before, after) for before, after in pairwise(terms) if before >= after] == []
    assert len(TERMS) == read("docs/glossary.md").count("\n- ")


@pytest.mark.parametrize(("term", "path"), TERMS, ids=[term for term, _ in TERMS])
def test_a_term_is_defined_in_a_file_and_on_the_map(term: str, path: str) -> None:
    """The file of each term exists, and the map has the term in bold."""
    assert (ROOT / path).is_file()
    assert f"**{term}**" in PAGE


def test_the_map_marks_nothing_but_terms() -> None:
    """A concept in bold is a term of the glossary."""
    assert set(re.findall(r"(?m)^\| .*?\*\*([^*]+)\*\*", PAGE)) == {term for term, _ in TERMS}


def test_the_page_of_words_lists_those_that_are_banned() -> None:
    """docs/design/language.md lists a word of each ban, and no word that is not banned."""
    tables = read("docs/design/language.md").partition("## Banned words")[2]
    cells = re.findall(r"(?m)^\| (?!banned)([^|]+) \| ", tables)
    words = [word.strip() for cell in cells for word in re.sub(r"\([^)]*\)", "", cell).split(",")]
    patterns = [re.compile(ban.pattern, re.IGNORECASE) for ban in (*PROSE, *NAMES)]
    assert [word for word in words if not any(each.fullmatch(word) for each in patterns)] == []
    assert [each.pattern for each in patterns if not any(map(each.fullmatch, words))] == []
