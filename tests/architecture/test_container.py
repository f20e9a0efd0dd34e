"""The container of the API: its file and its options, parsed. No engine runs here, so this compares texts.

The rules are those of hadolint and of the CIS benchmark for Docker that apply to one image without a shell.
"""

import json
import re
from typing import Any

import yaml
from support.source_tree import read

from app.settings import FILE_SUFFIX, Settings

TEXT = re.sub(r"\\\n\s*", " ", read("Dockerfile"))
INSTRUCTIONS = [
    (word.upper(), rest.strip())
    for word, _, rest in (line.partition(" ") for line in TEXT.splitlines())
    if word.isalpha()
]
"""Each instruction with its arguments, continued lines joined."""

STAGES = [at for at, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM"]
FINAL = INSTRUCTIONS[STAGES[-1] :]
USER = "65532:65532"
COMPOSE: dict[str, Any] = yaml.safe_load(read("compose.yaml"))
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "mlgraph"}
SECRET_WORD = re.compile(r"SECRET|PASSWORD|TOKEN|KEY", re.IGNORECASE)


def arguments(word: str, instructions: list[tuple[str, str]] = FINAL) -> list[str]:
    """Return the arguments of each instruction of a kind."""
    return [rest for each, rest in instructions if each == word]


def test_the_image_has_a_numeric_user_that_is_not_root() -> None:
    """The last user of the image is numeric, so that an orchestrator can check that it is not root."""
    assert arguments("USER") == [USER]
    assert FINAL.index(("USER", USER)) > max(at for at, (word, _) in enumerate(FINAL) if word in {"COPY", "RUN", "ENV"})


def test_nothing_needs_a_shell() -> None:
    """Every command of the build, the health check and the start is a list of words, which no shell reads."""
    check = [rest.partition("CMD ")[2] for rest in arguments("HEALTHCHECK")]
    commands = [*arguments("RUN", INSTRUCTIONS), *check, *arguments("CMD")]
    assert len(commands) >= 6
    for command in commands:
        words = json.loads(command)
        assert words[0] not in {"sh", "bash", "/bin/sh", "/bin/bash"}
    assert arguments("SHELL", INSTRUCTIONS) == []
    for service in OURS.values():
        assert isinstance(service.get("command", []), list)
        assert not {"sh", "bash"} & set(service.get("command", []))


def test_the_image_has_only_what_runs() -> None:
    """The last stage builds nothing: it copies what another one has installed, by hash, without pip."""
    assert len(STAGES) == 2
    assert arguments("RUN") == []
    assert {rest.split()[0] for rest in arguments("COPY")} == {"--from=build"}
    installs = [json.loads(rest) for rest in arguments("RUN", INSTRUCTIONS) if "pip" in rest]
    assert all("--require-hashes" in words or "--no-deps" in words or "uninstall" in words for words in installs)
    assert any("uninstall" in words and "pip" in words for words in installs)


def test_the_base_has_a_version() -> None:
    """Both stages have the same base with a version, none is `latest`, and nothing is fetched by ADD."""
    bases = {rest.split()[0] for rest in arguments("FROM", INSTRUCTIONS)}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.\d+-slim", bases.pop())
    assert arguments("ADD", INSTRUCTIONS) == []


def test_no_secret_is_in_a_layer() -> None:
    """No variable of the build or the image is a secret, and no file of the context may be one."""
    assert arguments("ARG", INSTRUCTIONS) == []
    assert [rest for rest in arguments("ENV", INSTRUCTIONS) if SECRET_WORD.search(rest)] == []
    ignored = read(".dockerignore").split()
    assert ignored[0] == "*"
    copied = {source for rest in arguments("COPY", INSTRUCTIONS[: STAGES[1]]) for source in rest.split()[:-1]}
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert {source.split("/")[0] for source in copied} <= allowed


def test_the_image_writes_only_to_volumes() -> None:
    """The settings of the image lead to folders that are volumes or in memory, and no byte code is written."""
    variables = dict(pair.split("=", 1) for rest in arguments("ENV") for pair in rest.split())
    settings = Settings.from_env(variables)
    assert str(settings.data_dir) == "/data"
    assert variables["HOME"] == "/tmp"  # noqa: S108 - a file system in memory of the container
    assert variables["PYTHONDONTWRITEBYTECODE"] == "1"
    assert {rest.split()[-1] for rest in arguments("COPY")} == {"/srv", "/data", "/schema"}
    assert [rest for rest in arguments("COPY") if f"--chown={USER}" in rest and "/srv" not in rest] == arguments(
        "COPY"
    )[1:]


def test_our_containers_may_do_nothing_more_than_they_need() -> None:
    """Read-only root, no capability, no new privilege, the numeric user, and /tmp in memory."""
    assert OURS.keys() == {"app", "schema"}
    for service in OURS.values():
        assert service["read_only"] is True
        assert service["user"] == USER
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - see above
        assert not {"privileged", "cap_add", "pid", "ipc", "devices"} & service.keys()
    mounts = {mount.split(":")[1] for service in OURS.values() for mount in service["volumes"]}
    assert mounts == {"/data", "/schema"}


def test_no_container_gains_privileges() -> None:
    """No container gains privileges, has all of them, or has the socket of the engine."""
    for service in COMPOSE["services"].values():
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service
        assert not [mount for mount in service.get("volumes", ()) if "docker.sock" in mount]


def test_secrets_reach_the_container_as_files() -> None:
    """No variable of the API is a secret by value; each named file is a declared secret of the service."""
    app = OURS["app"]
    values = {key: text for key, text in app["environment"].items() if SECRET_WORD.search(key)}
    assert values
    assert all(key.endswith(FILE_SUFFIX) and text.startswith("/run/secrets/") for key, text in values.items())
    assert {text.removeprefix("/run/secrets/") for text in values.values()} == set(app["secrets"])
    assert set(app["secrets"]) == COMPOSE["secrets"].keys()


def test_the_health_check_is_the_readiness_on_the_port_of_the_service() -> None:
    """The check of the image asks for the readiness at the port that the service sets."""
    (check,) = arguments("HEALTHCHECK")
    port = OURS["app"]["environment"]["MLG_PORT"]
    assert arguments("EXPOSE") == [port]
    assert f"http://127.0.0.1:{port}/health/ready" in check
    assert "healthcheck" not in OURS["app"]
