"""Converts foreign ids to URNs, so that two foreign ids never share a URN; an id that cannot be converted has none.

The platform of a DataHub id becomes the source, ``datahub`` without one. Its name becomes the name, with upper and
lower case unchanged. The rest of the identity becomes the namespace, such as an environment other than PROD. The
foreign id is kept in ``properties``.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from app.ingest.load.batches import ItemResult
from app.ingest.sources.datahub.aspect_files import Entity, Estate
from app.ingest.sources.made_ids import MadeIds
from graphql_schema.catalog.urn import make_urn
from policies.errors import InvalidError

_PRODUCTION = "PROD"
_MODEL = "mlModel"
_MARKS = re.compile(r"[(),]")
"""What divides a key or encloses a part of it."""


class _Parts(NamedTuple):
    """The parts of a URN."""

    kind: str
    source: str
    namespace: str
    name: str
    version: str | None = None


class Names:
    """Maps DataHub ids to URNs; group and version of a model version come from the read entities (``Estate``).

    Each entity whose type has a kind has its URN as its own. An entity whose URN others have, too, is not sent.
    References to it keep the URN.
    """

    def __init__(self, estate: Estate) -> None:
        self._ids = MadeIds("DataHub")
        models = [each for each in estate.entities.values() if _type_in(each.urn) == _MODEL]
        self._groups = {model.urn: _group(model) for model in models}
        self._versions = _versions(self._groups, models)
        self._own: set[str] = set()
        for entity in estate.entities.values():
            self.add(entity)

    @property
    def failures(self) -> list[ItemResult]:
        """One result for each foreign id that is malformed or makes no URN, and for each entity that is not sent."""
        return self._ids.failures

    def add(self, entity: Entity) -> None:
        """Add an entity whose type, or the type in whose id, has a kind, with its own URN; if they differ, it fails."""
        self.urn(entity.urn)
        text = str(entity.urn)
        types = {entity.type, _type_in(text)}
        if self._ids.lacks(text) or not types & _KINDS.keys():
            return
        if len(types) > 1:
            self._ids.fail(text, f"{text} is not an id of a {entity.type} in DataHub; correct type or id there.")
        elif text not in self._own:
            self._own.add(text)
            self._ids.own(text, text, partial(self._make, text))

    def sends(self, entity: Entity) -> bool:
        """Return whether an entity is sent: its URN is that of no other one. All entities are added before."""
        urn, is_own = self.urn(entity.urn), entity.urn in self._own and _type_in(entity.urn) == entity.type
        return urn is not None and is_own and not self._ids.contested(urn)

    def withholds(self, entity: Entity) -> bool:
        """Return whether an entity has a URN and is not sent; then what it says of others is not sent, either."""
        return self.urn(entity.urn) is not None and not self.sends(entity)

    def left_out(self) -> Mapping[str, int]:
        """Return the numbers of references that are left out because their id has no URN, by the referring type."""
        return Counter(str(by).partition("/")[0] for by, _ in self._ids.left_out)

    def urn(self, foreign: str, by: Entity | None = None) -> str | None:
        """Return the URN of a foreign id, or None if it has none, or if its entity type has no kind.

        ``by`` is the entity that refers to it, None for the entity itself.
        """
        text = str(foreign)
        entity_type = _type_in(text)
        if entity_type is not None and entity_type not in _KINDS:
            return None
        return self._ids.of(text, text, partial(self._make, text), by and f"{by.type}/{by.urn}")

    def urns(self, foreign: Iterable[str], by: Entity) -> list[str]:
        """Return the URNs of foreign ids, each once, in order; ids without one are left out."""
        return list(dict.fromkeys(urn for one in foreign if (urn := self.urn(one, by))))

    def field(self, foreign: str, by: Entity | None = None) -> tuple[str, str] | None:
        """Return the id of the dataset and the path of a column, None if the id is malformed."""
        self.urn(foreign, by)
        return None if self._ids.lacks(str(foreign)) else split_field(foreign)

    def _make(self, foreign: str) -> str:
        """Return the URN of a foreign id; raises InvalidError if there is none."""
        make = _KINDS[split(foreign)[0]]
        group = self._groups.get(foreign, foreign)
        is_other = (
            group != foreign and group not in self._groups
        )  # a model is no group, and may name itself in a circle
        if is_other and self.urn(group) is None and self._ids.lacks(group):
            raise InvalidError(f"{foreign} is a version of {group}, of which no id can be made.")
        return make_urn(*(self._versions.get(foreign) or _parts_of(group, make)))


def _type_in(foreign: str) -> str | None:
    """Return the type in a foreign id, None if the id is malformed."""
    parts = str(foreign).split(":", 3)
    return parts[2] if len(parts) == 4 else None  # noqa: PLR2004 - as `split` divides an id


def split(foreign: str) -> tuple[str, list[str]]:
    """Split ``urn:li:type:(a,b)`` into the type and the parts of its key; nested parentheses are kept together.

    Raises InvalidError if ``foreign`` does not have the form ``urn:li:type:key``.
    """
    try:
        _, _, entity_type, key = foreign.split(":", 3)
    except (ValueError, AttributeError) as error:
        raise InvalidError(f"{foreign} is not an id in DataHub, such as urn:li:tag:pii.") from error
    if not (key.startswith("(") and key.endswith(")")):
        return entity_type, [key]
    parts, depth, begin = list[str](), 0, 1
    for found in _MARKS.finditer(key, 1, len(key) - 1):
        depth += (found[0] == "(") - (found[0] == ")")
        if found[0] == "," and depth == 0:
            parts.append(key[begin : found.start()])
            begin = found.end()
    return entity_type, [*parts, key[begin:-1]]


def split_field(foreign: str) -> tuple[str, str]:
    """Split the id of a column into the id of the dataset and the path of the field."""
    dataset, *path = split(foreign)[1]
    return dataset, ",".join(path)


def _parts_of(foreign: str, make: Callable[[list[str]], _Parts]) -> _Parts:
    """Return the parts that ``make`` finds in the key of a foreign id; raises InvalidError if the key is malformed."""
    entity_type, key = split(foreign)
    try:
        return make(key)
    except (ValueError, IndexError, InvalidError) as error:
        raise InvalidError(f"{foreign} is not an id of a {entity_type} in DataHub.") from error


def _platform(foreign: str) -> str:
    return foreign.removeprefix("urn:li:dataPlatform:")


def _on_platform(kind: str) -> Callable[[list[str]], _Parts]:
    """Return the rule for keys ``(platform, name, environment)``; the environment may be absent."""

    def make(key: list[str]) -> _Parts:
        platform, name, environment = key if len(key) > 2 else (*key, _PRODUCTION)  # noqa: PLR2004 - as documented
        return _Parts(kind, _platform(platform), "" if environment == _PRODUCTION else environment, name)

    return make


def _in_datahub(kind: str, namespace: str = "") -> Callable[[list[str]], _Parts]:
    """Return the rule for entities of DataHub itself: people, groups, tags, terms, domains, runs."""
    return lambda key: _Parts(kind, "datahub", namespace, ",".join(key))


def _report(namespace: str) -> Callable[[list[str]], _Parts]:
    return lambda key: _Parts("report", key[0], namespace, key[1])


def _flow(key: list[str]) -> _Parts:
    orchestrator, flow, cluster = key
    return _Parts("workflow", orchestrator, _escape(cluster), flow)


def _job(key: list[str]) -> _Parts:
    """Return the parts of a job: the slash in its namespace distinguishes it from a flow."""
    orchestrator, flow, cluster = split(key[0])[1]
    return _Parts("workflow", orchestrator, f"{_escape(cluster)}/{_escape(flow)}", key[1])


def _escape(part: str) -> str:
    return part.replace("%", "%25").replace("/", "%2F")


def _unversioned(key: list[str]) -> _Parts:
    """Return the parts of a model without an entity: version 1 of a model of the same name."""
    return _on_platform("model-version")(key)._replace(version="1")


_KINDS: dict[str, Callable[[list[str]], _Parts]] = {
    "dataset": _on_platform("dataset"),
    "mlFeatureTable": _on_platform("feature-set"),
    "mlFeature": lambda key: _Parts("feature", "datahub", key[0], key[1]),
    "mlModelGroup": _on_platform("model"),
    "mlModel": _unversioned,
    "mlModelDeployment": _on_platform("deployment"),
    "dataFlow": _flow,
    "dataJob": _job,
    "dataProcessInstance": _in_datahub("run"),
    "chart": _report("chart"),
    "dashboard": _report("dashboard"),
    "corpuser": _in_datahub("user"),
    "corpGroup": _in_datahub("team"),
    "domain": _in_datahub("domain"),
    "tag": _in_datahub("tag", "tag"),
    "glossaryTerm": _in_datahub("tag", "glossaryTerm"),
}


def _group(model: Entity) -> str:
    """Return the first group of a model, the model itself without one."""
    return str(next(iter(model.aspects.get("mlModelProperties", {}).get("groups") or []), model.urn))


def _versions(groups: Mapping[str, str], models: Iterable[Entity]) -> dict[str, _Parts]:
    """Return the parts of the URN of each model, as a version of its first group or of a model of its name.

    The version is the version tag, 1 without a tag. If another model of the group has the same tag, it is the model's
    name. If another model has this version too, each of both has its complete key. A model is absent if its id or that
    of its group is malformed.
    """
    tagged: dict[str, tuple[_Parts, str]] = {}
    for model in models:
        tag = (model.aspects.get("mlModelProperties", {}).get("version") or {}).get("versionTag") or "1"
        with suppress(InvalidError):
            tagged[model.urn] = (_parts_of(groups[model.urn], _on_platform("model-version")), str(tag))
    uses = Counter(tagged.values())
    named = {urn: each if uses[each] == 1 else (each[0], _name(urn)) for urn, each in tagged.items()}
    uses = Counter(named.values())
    found = {urn: each if uses[each] == 1 else (each[0], _key(urn)) for urn, each in named.items()}
    return {urn: parent._replace(version=version) for urn, (parent, version) in found.items()}


def _name(model: str) -> str:
    """Return the name in the id of a model, its complete key if the key has another form."""
    key = split(model)[1]
    return key[1] if len(key) > 1 else _key(model)


def _key(foreign: str) -> str:
    return foreign.split(":", 3)[3]
