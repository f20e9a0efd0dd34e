"""The teams of a source: of its groups and of those that only their members name, with members where they are known."""

from support.estates.without_ids import ORDERS

from app.ingest.load.batches import ImportItem, ItemResult
from app.ingest.sources.datahub.aspect_files import Estate
from app.ingest.sources.datahub.mapping import map_estate
from graphql_schema.ports.record import Record


def teams_of(estate: Estate) -> list[Record]:
    """Return the teams that are sent."""
    items = [each.value for each in map_estate(estate) if isinstance(each, ImportItem)]
    return [item["team"] for item in items if "team" in item]


def test_a_group_that_only_its_members_name_is_contested_too() -> None:
    """Otherwise its item would replace the members of the group that is an entity."""
    estate = Estate()
    estate.entity("corpGroup", "urn:li:corpGroup:g")
    estate.entity("dataset", ORDERS)
    for name, group in (("ada", "g"), ("mallory", "(g)")):
        person = estate.entity("corpuser", f"urn:li:corpuser:{name}")
        person.aspects["groupMembership"] = {"groups": [f"urn:li:corpGroup:{group}", ORDERS]}
    assert teams_of(estate) == []
    failed = [each.location for each in map_estate(estate) if isinstance(each, ItemResult)]
    assert sorted(failed) == sorted(["urn:li:corpGroup:g", "urn:li:corpGroup:(g)", ORDERS])


def test_a_team_that_a_contested_user_names_keeps_its_stored_members() -> None:
    """The members of other teams are sent; a team that such a user alone names is not sent."""
    estate = Estate()
    for name, groups in (("ada", "g"), ("(ada)", "hk"), ("bob", "ghi")):
        person = estate.entity("corpuser", f"urn:li:corpuser:{name}")
        person.aspects["groupMembership"] = {"groups": [f"urn:li:corpGroup:{group}" for group in groups]}
    members = {team["name"]: team.get("members") for team in teams_of(estate)}
    assert members == {"g": None, "h": None, "i": [{"user": "mlg://user/datahub/default/bob"}]}
