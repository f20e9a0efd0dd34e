"""The teams of a source: of its groups and of those that only their members name, with members where they are known."""

import pytest
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


def test_a_team_that_a_user_of_another_type_names_keeps_its_stored_members() -> None:
    """A record that gives the id of a user another type makes the user fail, and ends no membership."""
    estate = Estate()
    estate.entity("tag", "urn:li:corpuser:eve")
    for name in ("eve", "bob"):
        person = estate.entity("corpuser", f"urn:li:corpuser:{name}")
        person.aspects["groupMembership"] = {"groups": ["urn:li:corpGroup:g"]}
    assert [team.get("members") for team in teams_of(estate)] == [None]


@pytest.mark.parametrize(("entity_type", "tag"), [("dataset", "1"), ("mlModel", "t" * 600)])
def test_a_deployment_of_a_model_that_is_not_sent_keeps_its_stored_model(entity_type: str, tag: str) -> None:
    """The model may have another type by an earlier record, or a version of which no id can be made."""
    estate = Estate()
    listed = "urn:li:mlModelDeployment:(urn:li:dataPlatform:k8s,d,PROD)"
    estate.entity("mlModelDeployment", listed)
    for name, given_type, version in (("m", entity_type, tag), ("n", "mlModel", "1")):
        model = estate.entity(given_type, f"urn:li:mlModel:(urn:li:dataPlatform:mlflow,{name},PROD)")
        model.aspects["mlModelProperties"] = {"deployments": [listed], "version": {"versionTag": version}}
    items = [each.value for each in map_estate(estate) if isinstance(each, ImportItem)]
    (deployment,) = (item["deployment"] for item in items if "deployment" in item)
    assert "modelVersion" not in deployment
