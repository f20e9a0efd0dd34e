"""Maps people and vocabulary: users, groups with their members, domains, tags and glossary terms."""

from collections.abc import Iterator

from app.ingest.sources.datahub.aspect_files import Entity
from app.ingest.sources.datahub.names import split
from app.ingest.sources.datahub.shared_aspects import Body, SharedAspects, without_nulls
from graphql_schema.ports.record import Record


def user(shared: SharedAspects, entity: Entity) -> Body:
    """Map a user; the items of its groups name it in ``members``."""
    info, edited = entity.take("corpUserInfo"), entity.take("corpUserEditableInfo")
    status = entity.take("corpUserStatus").get("status")
    entity.take("corpUserKey")
    active = status == "ACTIVE" if status else info.get("active")
    display_name = edited.get("displayName") or info.get("displayName") or info.get("fullName")
    extra = {key: info.get(key) for key in ("departmentName", "countryCode", "managerUrn")}
    extra["title"] = edited.get("title") or info.get("title")
    body = {
        "id": shared.names.urn(entity.urn),
        "name": ",".join(split(entity.urn)[1]),
        "displayName": display_name,
        "email": edited.get("email") or info.get("email"),
        "kind": "SERVICE_ACCOUNT" if info.get("system") else "PERSON",
        "active": False if entity.take("status").get("removed") else active,
        "properties": shared.properties(entity, info, **extra),
    }
    return {"user": without_nulls(body)}


def teams(shared: SharedAspects) -> Iterator[tuple[str, Body]]:
    """Yield the foreign id and the team with members of each group, also of a group that only its members name.

    A team that a withheld user names has no members here, so that its stored members stay.
    """
    members: dict[str, dict[str, None]] = {}
    unknown: set[str] = set()
    for person in shared.estate.identified("corpuser"):
        groups = [
            *(person.take("groupMembership").get("groups") or []),
            *(person.take("nativeGroupMembership").get("nativeGroups") or []),
        ]
        for group in groups:
            team = shared.names.urn(group, person)
            if team is not None and shared.names.withholds(person):
                unknown.add(team)
            elif team is not None:
                members.setdefault(group, {})[person.urn] = None
    known = {entity.urn: entity for entity in shared.estate.of_type("corpGroup")}
    named = {group: Entity("corpGroup", group) for group in members if group not in known}
    for entity in named.values():
        shared.names.add(entity)
    for group, entity in (known | named).items():
        if shared.names.sends(entity):
            is_unknown = shared.names.urn(group) in unknown
            yield group, {"team": _team(shared, entity, None if is_unknown else list(members.get(group, ())))}


def _team(shared: SharedAspects, entity: Entity, members: list[str] | None) -> Body:
    info = entity.take("corpGroupInfo")
    edited = entity.take("corpGroupEditableInfo")
    entity.take("corpGroupKey")
    _count_removal(shared, entity)
    return without_nulls(
        {
            "id": shared.names.urn(entity.urn),
            "name": ",".join(split(entity.urn)[1]),
            "displayName": info.get("displayName"),
            "description": edited.get("description") or info.get("description") or None,
            "properties": shared.properties(entity, info, email=edited.get("email") or info.get("email")),
            "members": members and [{"user": member} for member in shared.names.urns(members, entity)],
        }
    )


def domain(shared: SharedAspects, entity: Entity) -> Body:
    """Map a domain, its place in the tree and its owners."""
    main = entity.take("domainProperties")
    parent = main.get("parentDomain")
    body = _term(shared, entity, main, main.get("description"))
    body |= {"parent": shared.names.urn(parent, entity) if parent else None, "owners": shared.owners(entity)}
    return {"domain": without_nulls(body)}


def tag(shared: SharedAspects, entity: Entity) -> Body:
    """Map a tag."""
    main = entity.take("tagProperties")
    body = _term(shared, entity, main, main.get("description"), color=main.get("colorHex"))
    return {"tag": without_nulls(body | {"tagKind": "FREE"})}


def glossary_term(shared: SharedAspects, entity: Entity) -> Body:
    """Map a glossary term to a tag; its place in the glossary becomes a property."""
    main = entity.take("glossaryTermInfo")
    extra = {key: main.get(key) for key in ("parentNode", "termSource", "sourceUrl")}
    body = _term(shared, entity, main, main.get("definition"), **extra)
    return {"tag": without_nulls(body | {"tagKind": "FREE"})}


def _term(shared: SharedAspects, entity: Entity, main: Record, description: str | None, **extra: object) -> Body:
    entity.take(f"{entity.type}Key")
    _count_removal(shared, entity)
    return {
        "id": shared.names.urn(entity.urn),
        "name": main.get("name") or ",".join(split(entity.urn)[1]),
        "description": description or None,
        "properties": shared.properties(entity, main, **extra),
    }


def _count_removal(shared: SharedAspects, entity: Entity) -> None:
    """Count the removal of an entity as skipped, because its kind has no stage."""
    shared.estate.count_skipped(entity.type, "status.removed", int(bool(entity.take("status").get("removed"))))
