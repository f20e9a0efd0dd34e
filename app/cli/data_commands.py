"""The commands `mlg import` and `mlg demo`: clients of the API that do not build the GraphQL schema."""

import os
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from app.auth.dev_issuer import DevIssuer
from app.cli.exit_codes import failure, misuse, print_remark
from app.ingest.demo.estate import demo_entries, demo_estate, load_demo
from app.ingest.load.import_state import ImportState
from app.ingest.load.load import LoadTarget, load, load_events
from app.ingest.load.load_report import print_coverage
from app.ingest.load.registry_load import load_registry
from app.ingest.load.source_load import load_source
from app.ingest.load.team_map import TeamMap, read_team_map
from app.ingest.sources.datahub.aspect_files import read_estate
from app.ingest.sources.datahub.mapping import map_estate
from app.ingest.sources.dbt.artifacts import read_artifacts
from app.ingest.sources.dbt.dbt_names import DbtNames, namespace_of
from app.ingest.sources.dbt.mapping import map_artifacts
from app.ingest.sources.feast.mapping import FeastMapping
from app.ingest.sources.feast.registry import read_registry
from app.ingest.sources.jsonl import read_files
from app.ingest.sources.mlflow.mapping import RegistryMapping
from app.ingest.sources.mlflow.registry_client import open_registry
from app.ingest.sources.mlflow.registry_import import RegistryImport
from app.ingest.sources.mlflow.registry_names import RegistryNames
from app.ingest.sources.openlineage.event_files import read_event_files
from app.ingest.sources.openlineage.event_names import EventNames, namespace_patterns
from app.settings import Settings
from policies.errors import CodedError, ConfigurationError, InvalidError

import_group = typer.Typer(no_args_is_help=True, help="Import metadata from files through the API.")

Files = Annotated[list[Path], typer.Argument(help="Files to read; `-` is standard input.")]
DataHubFiles = Annotated[list[Path], typer.Argument(help="Files to read, in order.")]
TargetFolder = Annotated[Path, typer.Argument(help="The target folder of dbt, with manifest.json.")]
RegistryFile = Annotated[Path, typer.Argument(help="JSON that `feast registry-dump` has written.")]
Namespace = Annotated[
    str | None, typer.Option("--namespace", help="Namespace of the tables in OpenLineage, such as postgres://db:5432.")
]
Patterns = Annotated[
    str, typer.Option("--namespaces", envvar="MLG_NAMESPACES", help="Patterns of namespaces, as set on the server.")
]
Owners = Annotated[bool, typer.Option("--owners/--no-owners", help="Set the owners that the source names.")]
End = Annotated[
    bool,
    typer.Option(
        "--end", help="Deprecate the importer's own assets that the source no longer has, and end their edges."
    ),
]
Url = Annotated[str, typer.Option("--url", envvar="MLG_URL", help="Address of the API.")]
Token = Annotated[str, typer.Option("--token", envvar="MLG_TOKEN", help="Access token; see `mlg token`.")]
Json = Annotated[bool, typer.Option("--json", help="Print the summary as JSON on the last line of stdout.")]
Batch = Annotated[int, typer.Option("--batch", min=1, max=1000, help="Maximum number of items per request.")]
Teams = Annotated[
    Path | None, typer.Option("--team-map", help="TOML file that maps imported teams onto those of your tokens.")
]
Registry = Annotated[
    str, typer.Argument(help="Address of a tracking server, such as http://HOST:5000, or URI of its database.")
]
RegistryNamespace = Annotated[str, typer.Option("--namespace", help="Namespace of the ids; one for each registry.")]
Owner = Annotated[
    str, typer.Option("--owner", help="Id of the team that owns the imported assets without an owner tag.")
]
OwnerTag = Annotated[str, typer.Option("--owner-tag", help="Tag whose value names the owner: a team, by name or id.")]
State = Annotated[
    Path | None,
    typer.Option("--state", help="File that records what was imported; the next import sends only changes."),
]
Retire = Annotated[
    bool,
    typer.Option("--retire", help="Retire assets that the source deleted or no longer has, and remove its aliases."),
]
Aliases = Annotated[bool, typer.Option("--aliases/--no-aliases", help="Set the aliases of models.")]
OptionalToken = Annotated[
    str, typer.Option("--token", envvar="MLG_TOKEN", help="Register the items with this token; skip the scenario.")
]
Print = Annotated[bool, typer.Option("--print", help="Write the items as JSON lines to stdout; load nothing.")]

DEFAULT_URL: Final = f"http://127.0.0.1:{os.environ.get('MLG_PORT') or 8000}"
"""Address of a server of this machine that is started with the same settings."""


@import_group.command("jsonl")
def import_jsonl(  # noqa: PLR0913 - options of the command line
    files: Files,
    *,
    token: Token,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
    batch: Batch = 250,
    team_map: Teams = None,
) -> None:
    """Import JSON lines: one AssetInput object per line, `{"link": {…}}` included."""
    teams = team_map_of(team_map)
    code = load(LoadTarget(url, token, batch), teams.entries(read_files(files)), as_json=as_json)
    _print_unused(teams)
    raise typer.Exit(code)


@import_group.command("datahub")
def import_datahub(  # noqa: PLR0913 - options of the command line
    files: DataHubFiles,
    *,
    token: Token,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
    batch: Batch = 250,
    team_map: Teams = None,
) -> None:
    """Import DataHub metadata: JSON arrays of aspects, or an index with the paths of such files in order."""
    teams = team_map_of(team_map)
    try:
        estate = read_estate(files)
        items = [*teams.entries(map_estate(estate))]
    except (CodedError, OSError) as error:
        raise failure(error) from error
    mapped, skipped = estate.coverage()
    if not as_json:
        print_coverage(mapped, skipped)
    target = LoadTarget(url, token, batch)
    code = load(target, items, as_json=as_json, total=len(items), skipped=skipped, mapped=mapped)
    _print_unused(teams)
    raise typer.Exit(code)


@import_group.command("openlineage")
def import_openlineage(
    files: Files, *, token: Token, url: Url = DEFAULT_URL, as_json: Json = False, batch: Batch = 250
) -> None:
    """Import events of OpenLineage: one JSON object per line, or a JSON list or object per file."""
    raise typer.Exit(load_events(LoadTarget(url, token, batch), read_event_files(files), as_json=as_json))


@import_group.command("dbt")
def import_dbt(  # noqa: PLR0913 - options of the command line
    target_folder: TargetFolder,
    *,
    token: Token,
    namespace: Namespace = None,
    namespaces: Patterns = "",
    owners: Owners = True,
    end: End = False,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
    batch: Batch = 250,
) -> None:
    """Import a dbt project: manifest, catalog, run results and freshness of sources."""
    try:
        artifacts = read_artifacts(target_folder)
        patterns = EventNames(namespace_patterns(namespaces))
        names = DbtNames(artifacts, namespace_of(artifacts, namespace), patterns)
        content = map_artifacts(artifacts, names, with_owners=owners)
    except (CodedError, OSError) as error:
        raise failure(error) from error
    raise typer.Exit(load_source(LoadTarget(url, token, batch), content, end=end, as_json=as_json))


@import_group.command("feast")
def import_feast(  # noqa: PLR0913 - options of the command line
    registry_file: RegistryFile,
    *,
    token: Token,
    namespace: Namespace = None,
    namespaces: Patterns = "",
    owners: Owners = True,
    end: End = False,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
    batch: Batch = 250,
) -> None:
    """Import a Feast registry: data sources, feature views and feature services."""
    try:
        mapping = FeastMapping(read_registry(registry_file), namespace, EventNames(namespace_patterns(namespaces)))
        content = mapping.content(with_owners=owners)
    except (CodedError, OSError) as error:
        raise failure(error) from error
    raise typer.Exit(load_source(LoadTarget(url, token, batch), content, end=end, as_json=as_json))


@import_group.command("mlflow")
def import_mlflow(  # noqa: PLR0913 - options of the command line
    uri: Registry,
    *,
    token: Token,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
    batch: Batch = 250,
    namespace: RegistryNamespace = "default",
    owner: Owner = "",
    owner_tag: OwnerTag = "",
    team_map: Teams = None,
    state: State = None,
    retire: Retire = False,
    aliases: Aliases = True,
) -> None:
    """Import an MLflow registry: experiments, runs, data sets, logged and registered models with their aliases."""
    if retire and state is None:
        raise misuse(InvalidError("--retire needs --state FILE, which remembers what was imported from there."))
    teams = team_map_of(team_map)
    mapping = RegistryMapping(RegistryNames(namespace), owner, owner_tag, teams.target)
    try:
        source = RegistryImport(open_registry(uri), mapping, aliases)
    except CodedError as error:
        raise failure(error) from error
    memory = ImportState(state, f"{uri} as {namespace}", url)
    code = load_registry(LoadTarget(url, token, batch), source, memory, retire=retire, as_json=as_json)
    _print_unused(teams)
    raise typer.Exit(code)


def team_map_of(file: Path | None) -> TeamMap:
    """Return the map of teams in a file, an empty one without a file; ends the command if the file is invalid."""
    try:
        return TeamMap() if file is None else read_team_map(file)
    except (CodedError, OSError) as error:
        raise failure(error) from error


def _print_unused(teams: TeamMap) -> None:
    for key in teams.unused:
        print_remark(f"mlg: no item read has the team {key} of the team map; check its spelling.")


def demo(token: OptionalToken = "", url: Url = DEFAULT_URL, as_json: Json = False, only_print: Print = False) -> None:  # noqa: FBT002 - flags of the command line
    """Load the demo estate: Harbour, a streaming service with rankers, ads, churn and fraud models.

    The scenario (releases, checks, usage) has several callers; the development issuer creates their tokens.
    """
    if only_print:
        for item in demo_estate():
            typer.echo(orjson.dumps(item))
        return
    if token:
        entries = demo_entries()
        raise typer.Exit(load(LoadTarget(url, token), entries, as_json=as_json, total=len(entries)))
    try:
        issuer = DevIssuer(Settings.from_env())
    except ConfigurationError as error:
        raise typer.BadParameter(f"{error} Or use --token, which registers the items without the scenario.") from error
    raise typer.Exit(load_demo(url, issuer, as_json=as_json))
