"""Converts foreign ids to URNs, so that two foreign ids never share a URN.

The platform of a DataHub id becomes the source, ``datahub`` without one. Its name becomes the name, with upper and
lower case unchanged. The rest of the identity becomes the namespace, such as an environment other than PROD. The
foreign id is kept in ``properties``.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from app.ingest.sources.datahub.aspect_files import Estate
from graphql_schema.catalog.urn import make_urn
from policies.errors import InvalidError

_PRODUCTION = "PROD"


class _Parts(NamedTuple):
    """The parts of a URN."""

    kind: str
    source: str
    namespace: str
    name: str
    version: str | None = None


class Names:
    """Maps DataHub ids to URNs; group and version of a model version come from the read entities (``Estate``)."""

    def __init__(self, estate: Estate) -> None:
        self._versions = dict(_versions(estate))
        self._owner_of: dict[str, str] = {}

    def urn(self, foreign: str) -> str | None:
        """Return the URN of a foreign id, or None if its entity type has no kind.

        Raises InvalidError if the id is malformed, or if another foreign id has the same URN.
        """
        make = _KINDS.get(split(foreign)[0])
        if make is None:
            return None
        urn = make_urn(*(self._versions.get(foreign) or _parts_of(foreign, make)))
        other = self._owner_of.setdefault(urn, foreign)
        if other != foreign:
            raise InvalidError(f"{foreign} and {other} would both become {urn}; rename one of them in DataHub.")
        return urn

    def urns(self, foreign: Iterator[str] | list[str]) -> list[str]:
        """Return the URNs of foreign ids, each once, in order; ids whose type has no kind are left out."""
        return list(dict.fromkeys(urn for one in foreign if (urn := self.urn(one))))


def split(foreign: str) -> tuple[str, list[str]]:
    """Split ``urn:li:type:(a,b)`` into the type and the parts of its key; nested parentheses are kept together.

    Raises InvalidError if ``foreign`` does not have the form ``urn:li:type:key``.
    """
    try:
        _, _, entity_type, key = foreign.split(":", 3)
    except (ValueError, AttributeError) as error:
        raise InvalidError(f"{foreign} is not an id in DataHub, such as urn:li:tag:pii; correct it there.") from error
    if not (key.startswith("(") and key.endswith(")")):
        return entity_type, [key]
    parts, depth = [""], 0
    for character in key[1:-1]:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return entity_type, parts


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
        raise InvalidError(f"{foreign} is not an id of a {entity_type} in DataHub; correct it there.") from error


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


def _versions(estate: Estate) -> Iterator[tuple[str, _Parts]]:
    """Yield each model with the parts of its URN, as a version of its first group or of a model of its name.

    The version is the version tag, 1 without a tag, or the model's name if another model of the group has the same tag.
    """
    tagged = {}
    for model in estate.of_type("mlModel"):
        properties = model.aspects.get("mlModelProperties", {})
        group = next(iter(properties.get("groups") or []), model.urn)
        tag = (properties.get("version") or {}).get("versionTag") or "1"
        tagged[model.urn] = (_parts_of(group, _on_platform("model-version")), str(tag))
    uses = Counter(tagged.values())
    for urn, (parent, tag) in tagged.items():
        yield urn, parent._replace(version=tag) if uses[parent, tag] == 1 else _parts_of(urn, _version_by_name(parent))


def _version_by_name(parent: _Parts) -> Callable[[list[str]], _Parts]:
    """Return the rule for a model that is a version of ``parent`` under its own name."""
    return lambda key: parent._replace(version=key[1])
