"""The command around a load of a source: summary and exit code."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.servers.contract_server import ContractServer

from app.ingest.load.import_state import ImportState
from app.ingest.load.incremental_load import Page
from app.ingest.load.load import LoadTarget
from app.ingest.load.registry_load import load_registry
from app.ingest.load.source_asset import SourceAsset
from policies.errors import InvalidError


class TwoRuns:
    """A source of two runs; ``broken`` ends it with an error behind them."""

    with_aliases = False

    def __init__(self, *, broken: bool) -> None:
        self.broken = broken

    def pages(self) -> Iterator[Page]:
        """Yield a page for each run."""
        for name in ("first", "second"):
            yield [SourceAsset(name, name, {"run": {"id": f"mlg://run/test/default/{name}", "name": name}})]
        if self.broken:
            raise InvalidError("The source broke.")

    def completed(self, asset: SourceAsset) -> SourceAsset:
        """Return the asset."""
        return asset

    def has(self, _kind: str, _foreign_id: str) -> bool:
        """Return true."""
        return True


DENIED = {"outcome": "DENIED", "errors": [{"code": "DENIED", "message": "no", "inputPath": []}]}


@pytest.mark.parametrize(
    ("trouble", "summary"),
    [
        ("none", {"created": 2, "failed": 0, "keptAliases": 0}),
        ("denied", {"created": 1, "failed": 1, "keptAliases": 0}),
        ("broken", {"created": 2, "failed": 0, "error": "The source broke."}),
    ],
)
def test_the_exit_code_is_that_of_the_load(
    server: ContractServer, capsys: pytest.CaptureFixture[str], trouble: str, summary: dict[str, object]
) -> None:
    """A rejected item or an error of the source gives 1; what was loaded before is counted."""
    server.outcomes = {"second": DENIED} if trouble == "denied" else {}
    target = LoadTarget(server.url, "token")
    source = TwoRuns(broken=trouble == "broken")
    found = load_registry(target, source, ImportState(None, "s", "t"), retire=False, as_json=True)
    assert found == int(trouble != "none")
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert printed == {"updated": 0, "unchanged": 0, "skipped": 0, **summary}


def test_a_state_of_another_import_ends_the_load(server: ContractServer, tmp_path: Path) -> None:
    """Nothing is sent if the file of the state belongs to another import."""
    file = tmp_path / "state"
    with ImportState(file, "other", "t"):
        pass
    target = LoadTarget(server.url, "token")
    assert load_registry(target, TwoRuns(broken=False), ImportState(file, "s", "t"), retire=False, as_json=False) == 1
    assert server.items == []
