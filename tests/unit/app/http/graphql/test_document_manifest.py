"""Files of persisted documents: both forms, and the errors of a wrong file."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from app.http.graphql.document_manifest import read_manifests
from policies.errors import ConfigurationError

TEXT = "query A { __typename }"
DIGEST = sha256(TEXT.encode()).hexdigest()


def written(folder: Path, *contents: Any) -> list[Path]:
    """Write each content as JSON into a file of its own, and return the paths."""
    paths = [folder / f"{number}.json" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return paths


@pytest.mark.parametrize(
    "content",
    [
        {"a1": TEXT},
        {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [{"id": "a1", "name": "A", "type": "query", "body": TEXT}],
        },
    ],
    ids=["object", "apollo"],
)
def test_a_document_is_found_by_its_id_and_its_hash(tmp_path: Path, content: object) -> None:
    """Both forms give the same documents; a file may repeat a document of another one."""
    assert read_manifests(written(tmp_path, content, {"b": TEXT})) == {"a1": TEXT, "b": TEXT, DIGEST: TEXT}


@pytest.mark.parametrize(
    "contents",
    [["{"], [[]], [{"a": 1}], [{"": TEXT}], [{"a": TEXT}, {"a": "{ b }"}], [{"a": TEXT}, {DIGEST: "{ b }"}],
     *([{"format": "apollo-persisted-query-manifest", **each}]
       for each in ({"operations": [{"id": "a"}]}, {"operations": ["x"]}, {"operations": {"a": 1}}, {"operations": 5},
                    {}))],
)  # fmt: skip
def test_a_wrong_file_stops_the_start(tmp_path: Path, contents: list[Any]) -> None:
    """A file without ids or texts, or with another text under an id, is an error that names the file."""
    with pytest.raises(ConfigurationError, match=r"\.json"):
        read_manifests(written(tmp_path, *contents))


def test_a_missing_file_stops_the_start(tmp_path: Path) -> None:
    """A path that does not exist is an error that names the setting."""
    with pytest.raises(ConfigurationError, match="MLG_DOCUMENTS"):
        read_manifests([tmp_path / "none.json"])
