"""compose.yaml against the code: settings that exist, a store like the embedded one, and nobody else at its port."""

import json
import re
from dataclasses import fields
from typing import Any

import yaml
from support.source_tree import read
from typer.testing import CliRunner

from app.cli.command_line import commands
from app.runtime.process import Process
from app.settings import Settings
from app.store.schema_stamp import SELF_CHECK_LABEL

COMPOSE: dict[str, Any] = yaml.safe_load(read("compose.yaml"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
APP: dict[str, str] = SERVICES["app"]["environment"]
JANUSGRAPH: dict[str, str] = SERVICES["janusgraph"]["environment"]
ASKED = re.compile(r"\$\{(MLG_\w+):\?")

OF_EACH_STORE = ("storage.", "index.", "schema.init.json.file", "gremlin.graph")
"""What differs by nature: where the data are. The image sets `gremlin.graph` itself."""

OF_EACH_SERVER = {"host", "port", "evaluationTimeout", "gremlinPool", "graphs", "scriptEngines"}
"""What differs by nature: where it listens, how long it may take, where its files lie."""


def embedded() -> dict[str, str]:
    """The properties of the embedded store."""
    lines = read("app/store/embedded/conf/graph.properties").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def shared(properties: dict[str, str]) -> dict[str, str]:
    """The properties that both stores must agree on."""
    return {key: value for key, value in properties.items() if not key.startswith(OF_EACH_STORE)}


def test_every_setting_exists() -> None:
    """A misspelt MLG_ key would be ignored without a word: each one is a setting."""
    known = {field.metadata["key"] for field in fields(Settings)}
    assert {key for key in APP if key.startswith("MLG_")} <= known


def test_the_server_starts_with_these_settings() -> None:
    """With what the file asks for filled in, the production profile has everything that it refuses to start without."""
    answers = {
        "MLG_PUBLIC_URL": "https://graph.example.com",
        "MLG_ISSUERS": json.dumps([{"issuer": "https://login.example.com"}]),
        "MLG_SECRET": "x" * 32,
    }
    assert set(ASKED.findall(" ".join(APP.values()))) == set(answers)
    process = Process(Settings.from_env({**APP, "MLG_AUDIENCE": "mlgraph", **answers}))
    assert process.settings.env == "production"
    assert process.settings.store_url == "http://janusgraph:8182/gremlin"


def test_both_stores_have_the_same_semantics() -> None:
    """What decides how the graph behaves is equal in development and production; the first start fixes some of it."""
    production = {k.removeprefix("janusgraph."): v for k, v in JANUSGRAPH.items() if k.startswith("janusgraph.")}
    assert shared(production) == shared(embedded())
    assert production["schema.init.json.file"] == "/schema/schema.json"


def test_both_servers_are_configured_alike() -> None:
    """Serializers, transaction handling, channel and sizes are those that the driver was tested with."""
    ours = yaml.safe_load(
        read("app/store/embedded/conf/gremlin-server.yaml").replace("$port", "0").replace("$pool", "0")
    )
    theirs = yaml.safe_load(read("deploy/janusgraph/gremlin-server.yaml"))
    assert {k: v for k, v in theirs.items() if k not in OF_EACH_SERVER} == {
        k: v for k, v in ours.items() if k not in OF_EACH_SERVER
    }
    plugins = [each["scriptEngines"]["gremlin-groovy"]["plugins"].keys() for each in (ours, theirs)]
    assert plugins[0] == plugins[1]


def test_the_image_is_the_version_of_the_jars() -> None:
    """Production runs the JanusGraph that the tests run."""
    (version,) = re.findall(
        r"(?m)^org\.janusgraph:janusgraph-server:(\S+) ", read("app/store/embedded/janusgraph.lock")
    )
    assert SERVICES["janusgraph"]["image"].endswith(f":{version}")


def test_only_the_api_reaches_the_store() -> None:
    """Whoever reaches JanusGraph owns the data: one published port, and the store's networks lead nowhere else."""
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["app"]
    reach = {name: set(service.get("networks", ())) for name, service in SERVICES.items()}
    assert {name for name, networks in reach.items() if "store" in networks} == {"app", "janusgraph"}
    assert {name for name, networks in reach.items() if "storage" in networks} == {
        "janusgraph",
        "cassandra",
        "elasticsearch",
    }
    assert all(COMPOSE["networks"][name]["internal"] for name in ("store", "storage"))


def test_what_is_waited_for_can_tell_its_health() -> None:
    """Each `service_healthy` waits for a service with a health check, and all data lie in volumes that are declared."""
    awaited = {
        name
        for service in SERVICES.values()
        for name, wait in service.get("depends_on", {}).items()
        if wait["condition"] == "service_healthy"
    }
    assert {name for name in awaited if "healthcheck" not in SERVICES[name]} == set()
    volumes = {
        mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", ()) if mount[0] != "."
    }
    assert volumes == set(COMPOSE["volumes"])


def test_files_that_are_mounted_exist() -> None:
    """A bind mount of a missing file makes a folder of its name, and a server that does not start."""
    mounts = [mount.split(":") for mount in SERVICES["janusgraph"]["volumes"] if mount.startswith("./")]
    assert [read(source.removeprefix("./")) for source, *_ in mounts]
    script = next(target for _, target, _ in mounts if target.endswith(".groovy"))
    assert script.removeprefix("/opt/janusgraph/") in read("deploy/janusgraph/gremlin-server.yaml")


def test_the_schema_of_an_existing_store_can_be_printed() -> None:
    """`mlg store schema` prints the document that JanusGraph loads, with the label of the self-check."""
    result = CliRunner().invoke(commands, ["store", "schema"])
    document = json.loads(result.stdout)
    assert {"label": SELF_CHECK_LABEL} in document["vertexLabels"]
    assert {"label": "ModelVersion"} in document["vertexLabels"]
    assert [index["name"] for index in document["mixedIndexes"]] == ["nodes"]
