"""To end an edge, or to move its begin or end, needs the rights that linking needs: on each visible end it changes."""

from typing import Any

import pytest
from support.servers.in_process import Api

ADS, RANKING = ({"owner": f"mlg://team/catalog/default/{name}"} for name in ("ads", "ranking"))
LINK, UNLINK = (
    f"mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ done: {name}(input: $input) {{ errors {{ code }} }} }}"
    for name in ("link", "unlink")
)
BODIES: dict[str, dict[str, Any]] = {"run": {"state": "COMPLETE"}}
BOTH = [
    ("PRODUCES", "run", "dataset"),
    ("CONTAINS", "feature-set", "feature"),
    ("RUN_OF", "run", "workflow"),
    ("DERIVES", "dataset", "dataset"),
]


def camel(slug: str) -> str:
    """Return the key of a kind in an item."""
    head, *rest = slug.split("-")
    return head + "".join(part.capitalize() for part in rest)


async def codes(api: Api, who: str, mutation: str, **given: Any) -> list[str]:
    """Return the error codes of a mutation."""
    return [error["code"] for error in (await api.ask(who, mutation, input=given))["done"]["errors"]]


@pytest.mark.parametrize("mine", ["from", "to", "both"])
@pytest.mark.parametrize(("relation", "source", "target"), BOTH)
async def test_to_unlink_needs_what_to_link_needs(api: Api, relation: str, source: str, target: str, mine: str) -> None:
    """Ada may unlink what she may link, and is denied both where a visible end that changes belongs to another team."""
    ends = {"from": source, "to": target}
    urns = {end: f"mlg://{slug}/test/default/{relation}-{mine}-{end}".lower() for end, slug in ends.items()}
    for end, slug in ends.items():
        owner = RANKING if mine in {end, "both"} else ADS
        await api.load({camel(slug): {"id": urns[end], "owners": [owner], **BODIES.get(slug, {})}})
    given = {"relation": relation, **urns}
    to_link = await codes(api, "ada", LINK, **given)
    assert await codes(api, "root", LINK, **given) == []
    later, since = {"validTo": "2999-01-01T00:00:00Z"}, {"validFrom": "2001-01-01T00:00:00Z"}
    assert await codes(api, "ada", LINK, **given, **later) == (["INVALID"] if relation == "CONTAINS" else to_link)
    assert await codes(api, "ada", LINK, **given, **since) == to_link
    assert await codes(api, "ada", UNLINK, **given) == to_link
    assert to_link == ([] if mine == "both" or (relation, mine) == ("DERIVES", "to") else ["DENIED"])
