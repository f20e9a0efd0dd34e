"""Maps people and vocabulary: users, groups with their members, domains, tags and glossary terms."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.ingest.sources.datahub.aspect_files import Entity
from app.ingest.sources.datahub.names import split
from app.ingest.sources.datahub.shared_aspects import Body, SharedAspects, given


def user(facts: SharedAspects, entity: Entity) -> Body:
    """Map a user; the groups that it belongs to name it as a member."""
    info, edited = entity.take("corpUserInfo"), entity.take("corpUserEditableInfo")
    status = entity.take("corpUserStatus").get("status")
    entity.take("corpUserKey")
    active = status == "ACTIVE" if status else info.get("active")
    shown = edited.get("displayName") or info.get("displayName") or info.get("fullName")
    further = {key: info.get(key) for key in ("departmentName", "countryCode", "managerUrn")}
    further["title"] = edited.get("title") or info.get("title")
    body = {
        "id": facts.names.urn(entity.urn),
        "name": ",".join(split(entity.urn)[1]),
        "displayName": shown,
        "email": edited.get("email") or info.get("email"),
        "kind": "SERVICE_ACCOUNT" if info.get("system") else "PERSON",
        "active": False if entity.take("status").get("removed") else active,
        "properties": facts.properties(entity, info, **further),
    }
    return {"user": given(body)}


def teams(facts: SharedAspects) -> Iterator[tuple[str, Body]]:
    """Map groups to teams with their members; a group that only members name becomes a team of its name."""
    members: dict[str, dict[str, None]] = {}
    for person in facts.estate.of_type("corpuser"):
        groups = [
            *(person.take("groupMembership").get("groups") or []),
            *(person.take("nativeGroupMembership").get("nativeGroups") or []),
        ]
        for group in groups:
            members.setdefault(group, {})[person.urn] = None
    known = {entity.urn: entity for entity in facts.estate.of_type("corpGroup")}
    for group in known | members:
        entity = known.get(group, Entity("corpGroup", group))
        yield group, {"team": _team(facts, entity, list(members.get(group, ())))}


def _team(facts: SharedAspects, entity: Entity, members: list[str]) -> Body:
    info = entity.take("corpGroupInfo")
    edited = entity.take("corpGroupEditableInfo")
    entity.take("corpGroupKey")
    _note_removal(facts, entity)
    return given(
        {
            "id": facts.names.urn(entity.urn),
            "name": ",".join(split(entity.urn)[1]),
            "displayName": info.get("displayName"),
            "description": edited.get("description") or info.get("description") or None,
            "properties": facts.properties(entity, info, email=edited.get("email") or info.get("email")),
            "members": [{"user": facts.names.urn(member)} for member in members],
        }
    )


def domain(facts: SharedAspects, entity: Entity) -> Body:
    """Map a domain, its place in the tree and its owners."""
    main = entity.take("domainProperties")
    parent = main.get("parentDomain")
    body = _term(facts, entity, main, main.get("description"))
    body |= {"parent": facts.names.urn(parent) if parent else None, "owners": facts.owners(entity)}
    return {"domain": given(body)}


def tag(facts: SharedAspects, entity: Entity) -> Body:
    """Map a tag."""
    main = entity.take("tagProperties")
    body = _term(facts, entity, main, main.get("description"), color=main.get("colorHex"))
    return {"tag": given(body | {"tagKind": "FREE"})}


def glossary_term(facts: SharedAspects, entity: Entity) -> Body:
    """Map a glossary term to a tag; its place in the glossary lives on as a property."""
    main = entity.take("glossaryTermInfo")
    further = {key: main.get(key) for key in ("parentNode", "termSource", "sourceUrl")}
    body = _term(facts, entity, main, main.get("definition"), **further)
    return {"tag": given(body | {"tagKind": "FREE"})}


def _term(
    facts: SharedAspects, entity: Entity, main: Mapping[str, Any], description: str | None, **further: object
) -> Body:
    entity.take(f"{entity.type}Key")
    _note_removal(facts, entity)
    return {
        "id": facts.names.urn(entity.urn),
        "name": main.get("name") or ",".join(split(entity.urn)[1]),
        "description": description or None,
        "properties": facts.properties(entity, main, **further),
    }


def _note_removal(facts: SharedAspects, entity: Entity) -> None:
    """Count a removed entity of a kind that has no stage."""
    facts.estate.leave_out(entity.type, "status.removed", int(bool(entity.take("status").get("removed"))))
