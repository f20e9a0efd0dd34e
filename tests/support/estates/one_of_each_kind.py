"""One hidden asset of each kind, and one of team ads, over the estate of the leak catalogue."""

from typing import Any

from support.estates.leak_catalogue import ADS, HIDDEN_NAME, RANKING, VERSION, token
from support.estates.visible_and_hidden import id_of
from support.servers.in_process import Api

from graphql_schema.catalog.kinds import ASSETS, KINDS

SHUT = {"owners": [{"owner": RANKING}], "visibility": "TEAM"}
MINE = {"owners": [{"owner": ADS}]}
ALSO: dict[str, dict[str, Any]] = {
    "Run": {"state": "COMPLETE"},
    "Evaluation": {"modelVersion": VERSION},
    "ExperimentCell": {"experiment": "mlg://experiment/test/default/some"},
}
"""What an item of a kind needs the first time."""


def item_key(kind: str) -> str:
    """Return the key of a kind in an item to register."""
    return kind[0].lower() + kind[1:]


async def load_each_kind(api: Api) -> None:
    """Let zoe, an engineer of ads, own one asset of each kind, and hide another of each kind from her."""
    api.tokens["zoe"] = token(api, "zoe", "ads", roles="engineer")
    for name, owned in ((HIDDEN_NAME, SHUT), ("mine", MINE)):
        parents = [{item_key(kind.parent): {"id": id_of(kind.parent, name), **owned}} for kind in KINDS.values()
                   if kind.versioned and kind.parent]  # fmt: skip
        items = [{item_key(kind): {"id": id_of(kind, name), **ALSO.get(kind, {}), **owned}} for kind in ASSETS]
        await api.load(*parents, *(item for item in items if item not in parents))
