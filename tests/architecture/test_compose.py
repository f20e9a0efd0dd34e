"""compose.yaml against the code: known settings, a store equal to the embedded one, and no other client at its port."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml
from support.servers.distributed import cassandra_node, elasticsearch_node, janusgraph_server
from support.servers.distributed.configuration import DEPLOY
from support.source_tree import read
from support.stores.janusgraph import CONF, properties
from typer.testing import CliRunner

from app.cli.command_line import commands
from app.runtime.process import Process
from app.settings import FILE_SUFFIX, Settings
from app.store.embedded.jars import JAR_LOCK, locked_jars
from app.store.schema_stamp import SELF_CHECK_LABEL
from policies.errors import ConfigurationError

COMPOSE: dict[str, Any] = yaml.safe_load(read("compose.yaml"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
APP: dict[str, str] = SERVICES["app"]["environment"]
SERVERS = ("janusgraph1", "janusgraph2")
CONFIGURATIONS = (
    *(f"janusgraph/{name}" for name in ("graph.properties", "gremlin-server.yaml", "init.groovy")),
    *("cassandra/cassandra.yaml", "elasticsearch/elasticsearch.yml"),
)
WATCHED = ("prometheus/prometheus.yaml", "prometheus/alerts.yaml")
"""The files of `deploy`, from which compose.yaml and the cluster of the tests are made."""
LOCKS = (janusgraph_server.LOCK, cassandra_node.LOCK, elasticsearch_node.LOCK)
REQUIRED = re.compile(r"\$\{(MLG_\w+):\?")

OF_EACH_STORE = ("storage.", "index.", "schema.init.json.file", "query.fast-property")
"""Prefixes of the properties that differ, because the data are elsewhere."""

OF_EACH_SERVER = {"host", "port", "channelizer", "evaluationTimeout", "gremlinPool", "graphs", "scriptEngines"}
"""Keys that differ between the servers: address, port, guard of the port, timeout, pool size and paths."""


def bind_mounts() -> dict[str, str]:
    """Return the targets of the bind mounts of all services, by their sources."""
    mounts = [mount.split(":") for service in SERVICES.values() for mount in service.get("volumes", ())]
    return {source: target for source, target, *_ in mounts if source.startswith("./")}


def shared(values: dict[str, str]) -> dict[str, str]:
    """Return the properties that must be equal in both stores."""
    return {key: value for key, value in values.items() if not key.startswith(OF_EACH_STORE)}


def test_every_setting_exists() -> None:
    """Every MLG_ key of the file is a setting; a misspelt key would be ignored silently."""
    known = {field.metadata["key"] for field in fields(Settings)}
    files = {field.metadata["key"] + FILE_SUFFIX for field in fields(Settings) if field.metadata["secret"]}
    assert {key for key in APP if key.startswith("MLG_")} <= known | files


def test_the_server_starts_with_these_settings(tmp_path: Path) -> None:
    """With the required variables of the file set, the production profile starts: no setting is missing."""
    given = {
        "MLG_PUBLIC_URL": "https://graph.example.com",
        "MLG_ISSUERS": json.dumps([{"issuer": "https://login.example.com"}]),
    }
    secret = tmp_path / "mlg_secret"
    secret.write_text("x" * 32)
    assert set(REQUIRED.findall(" ".join(APP.values()))) == set(given)
    others = {"MLG_AUDIENCE": "mlgraph", "MLG_TRUSTED_PROXIES": "", "MLG_DATA_DIR": str(tmp_path)}
    process = Process(Settings.from_env({**APP, **others, **given, "MLG_SECRET_FILE": str(secret)}))
    assert process.settings.env == "production"
    assert process.settings.store_url.split(",") == [f"http://{name}:8182/gremlin" for name in SERVERS]


def test_both_stores_have_the_same_semantics() -> None:
    """All properties that determine the semantics of the graph are equal in development and production."""
    production = properties(DEPLOY / "janusgraph" / "graph.properties")
    assert shared(production) == shared(properties(CONF))
    assert production["query.batch.properties-mode"] == "required_properties_only"  # not all of a large asset
    assert properties(CONF)["query.fast-property"] == "false"  # the same for what no step reads
    assert production["schema.init.json.file"] == "/schema/schema.json"
    assert {production["storage.hostname"], production["index.search.hostname"]} <= SERVICES.keys()


def test_both_servers_are_configured_alike() -> None:
    """Serializers, transaction handling and sizes equal those of the embedded server, which tests run on."""
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
    """Production runs the versions of the tests, of JanusGraph, Elasticsearch and the major line of Cassandra."""
    version = {file.artifact: file.version for lock in (JAR_LOCK, *LOCKS) for file in locked_jars(lock)}
    both = {file.version for lock in (JAR_LOCK, *LOCKS) for file in locked_jars(lock) if file.group == "org.janusgraph"}
    assert both == {version["janusgraph-server"]}
    assert [SERVICES[name]["image"].rpartition(":")[2] for name in SERVERS] == [version["janusgraph-server"]] * 2
    assert SERVICES["elasticsearch"]["image"].endswith(f":{version['elasticsearch']}")
    assert SERVICES["cassandra"]["image"].endswith(f":{version['cassandra-all'].rpartition('.')[0]}")


def test_only_the_api_reaches_the_store() -> None:
    """Only the API is in the network of JanusGraph and published beyond the host: its clients can change all data."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"app": ["${MLG_PUBLISH:-127.0.0.1:8000}:8000"], "prometheus": ["127.0.0.1:9090:9090"]}
    reach = {name: set(service.get("networks", ())) for name, service in SERVICES.items()}
    assert {name for name, networks in reach.items() if "store" in networks} == {"app", *SERVERS}
    assert {name for name, networks in reach.items() if "storage" in networks} == {
        *SERVERS,
        "cassandra",
        "elasticsearch",
    }
    assert all(COMPOSE["networks"][name]["internal"] for name in ("store", "storage"))


def test_awaited_services_have_health_checks() -> None:
    """Each `service_healthy` waits for a service with a health check, and every volume that is mounted is declared."""
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


def test_no_log_fills_the_disk() -> None:
    """The log of each container has a maximum; by default, Docker keeps all of it."""
    for name, service in SERVICES.items():
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name


def test_files_that_are_mounted_exist() -> None:
    """Each file of a bind mount exists; for a missing one, Docker creates a folder and the server does not start."""
    mounts = bind_mounts()
    assert mounts.keys() == {f"./deploy/{name}" for name in (*CONFIGURATIONS, *WATCHED)}
    assert [read(source.removeprefix("./")) for source in mounts]
    script = mounts["./deploy/janusgraph/init.groovy"]
    assert script.removeprefix("/opt/janusgraph/") in read("deploy/janusgraph/gremlin-server.yaml")


def test_the_images_read_the_mounted_files() -> None:
    """Each file is mounted where the script of its image reads it, and no environment replaces one of its keys."""
    mounts = bind_mounts()
    own = "janusgraph.graph.unique-instance-id"
    environments = [SERVICES[name]["environment"] for name in SERVERS]
    for given in environments:
        template = f"/opt/janusgraph/conf/janusgraph-{given['JANUS_PROPS_TEMPLATE']}-server.properties"
        assert mounts["./deploy/janusgraph/graph.properties"] == template
        assert [key for key in given if key.startswith(("janusgraph.", "gremlinserver"))] == [own]
    assert len({given[own] for given in environments}) == len(SERVERS)
    copied = f"cp {mounts['./deploy/cassandra/cassandra.yaml']} /etc/cassandra/cassandra.yaml "
    assert SERVICES["cassandra"]["entrypoint"][-1].startswith(copied)
    assert not [key for key in SERVICES["cassandra"]["environment"] if key.startswith("CASSANDRA_")]
    assert mounts["./deploy/elasticsearch/elasticsearch.yml"] == "/usr/share/elasticsearch/config/elasticsearch.yml"
    assert not [key for key in SERVICES["elasticsearch"]["environment"] if "." in key]
    # The image of Cassandra replaces addresses only in lines that exist.
    addresses = {"listen_address", "broadcast_address", "rpc_address", "broadcast_rpc_address"}
    assert addresses <= set(re.findall(r"(?m)^(?:# )?(\w+):", read("deploy/cassandra/cassandra.yaml")))


def test_the_metrics_are_collected() -> None:
    """Prometheus reads the port that the API opens, under the job of the alert rules, over a network of its own."""
    (job,) = yaml.safe_load(read("deploy/prometheus/prometheus.yaml"))["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"app:{APP['MLG_METRICS_PORT']}"]}]
    assert f"Name the scrape job `{job['job_name']}`" in read("deploy/prometheus/alerts.yaml").replace("\n# ", " ")
    reach = {name for name, service in SERVICES.items() if "watch" in service.get("networks", ())}
    assert reach == {"app", "prometheus"}


def test_confirmed_writes_are_on_the_disk() -> None:
    """Cassandra confirms a write after the write is in the file of its commit log, in production as in the tests."""
    configured = yaml.safe_load(read("deploy/cassandra/cassandra.yaml"))
    assert configured["commitlog_sync"] == "batch"
    assert "commitlog_sync_period" not in configured


def test_the_schema_of_an_existing_store_can_be_printed(tmp_path: Path) -> None:
    """`mlg store schema` prints or writes the document that JanusGraph loads, the label of the self-check included."""
    result = CliRunner().invoke(commands, ["store", "schema"])
    document = json.loads(result.stdout)
    file = tmp_path / "schema.json"
    assert CliRunner().invoke(commands, ["store", "schema", "--file", str(file)]).exit_code == 0
    assert json.loads(file.read_bytes()) == document
    refused = CliRunner().invoke(commands, ["store", "schema", "--file", str(tmp_path)])
    assert isinstance(refused.exception, ConfigurationError)
    assert {"label": SELF_CHECK_LABEL} in document["vertexLabels"]
    assert {"label": "ModelVersion"} in document["vertexLabels"]
    assert [index["name"] for index in document["mixedIndexes"]] == ["nodes"]
