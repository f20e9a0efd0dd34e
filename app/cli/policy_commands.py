"""The commands `mlg policy …`."""

import asyncio
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from app.cli.exit_codes import misuse
from app.graph.driver.gremlin_client import GremlinClient
from app.ingest.load.terminal_text import stdout_text
from app.policy.asset_classes import AXES, Block, format_block
from app.policy.callers import callers, read_caller, subject
from app.policy.compare import PolicyChange, changes, field_groups
from app.policy.explain import Explanation, asset_and_caller, explain
from app.policy.git_policy import policy_of
from app.policy.matrix import decisions_of, lines
from app.settings import Settings
from app.store.embedded.embedded_store import STORE_FOLDER
from app.store.embedded.running_store import running_endpoint
from app.store.store_endpoint import external_endpoints
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.operation.field_guards import governed_fields
from graphql_schema.schema import build_schema
from policies.errors import InvalidError
from policies.governed import Governed
from policies.policy import Policy
from policies.principal import Principal

policy = typer.Typer(
    no_args_is_help=True, help="Check the policy, print what it allows, compare two versions, explain one decision."
)

Folder = Annotated[
    Path | None, typer.Option(help="Folder of the policy; default: the shipped policy.", file_okay=False)
]


@policy.command()
def check(folder: Folder = None) -> None:
    """Validate rules and labels as at start-up, and print how many there are."""
    loaded, schema = _load(folder)
    labels = Counter(str(label) for fields in loaded.labels.values() for label in fields.values())
    rules = loaded.engine.rules
    label_counts = ", ".join(f"{number} {label}" for label, number in labels.items())
    typer.echo(f"rules: {len(rules.permits)} permit, {len(rules.forbids)} forbid")
    typer.echo(f"labels: {label_counts}")
    typer.echo(f"types: {len(schema.assets)} of assets, {len(schema.edges)} of edges")
    typer.echo(f"version: {loaded.version}")


@policy.command()
def matrix(
    folder: Folder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Print what each persona, also with break-glass, and a caller without scopes may see and do, by asset class."""
    loaded, schema = _load(folder)
    for name, (about, principal) in callers().items():
        found = [(line.verb, line.words, line.block) for line in lines(loaded, schema, principal)]
        if as_json:
            for verb, words, block in found:
                _print_json({"caller": name, verb: words, **_axes(block)})
        else:
            _print_table(f"{name}: {about}", principal, [(f"{verb} {' '.join(words)}", b) for verb, words, b in found])


@policy.command()
def diff(ref: Annotated[str, typer.Argument(help="A git reference, such as main or HEAD~1.")]) -> None:
    """Print what each caller gains and loses from the policy of REF to the working tree.

    Exit code 1 if a caller gains or loses anything.
    """
    after, schema = _load(None)
    try:
        before, remarks = policy_of(ref, schema, after.labels)
    except InvalidError as error:
        raise misuse(error) from None
    for remark in remarks:
        typer.echo(f"note: {remark}")
    if before.version == after.version:
        typer.echo("The two policies are equal.")
        return
    affected: list[str] = []
    together = field_groups(after.labels, schema)
    for name, (about, principal) in callers().items():
        found = [*changes(decisions_of(before, schema, principal), decisions_of(after, schema, principal), together)]
        if found:
            affected.append(name)
            _print_table(f"{name}: {about}", principal, [(_changed(change), change.block) for change in found])
    if affected:
        typer.echo(f"Affected: {', '.join(affected)}. The columns are {', '.join(AXES)}.")
        raise typer.Exit(1)
    typer.echo(f"The texts differ; nothing changes for {', '.join(callers())}.")


@policy.command("explain")
def explain_one(
    who: Annotated[str, typer.Argument(metavar="SUBJECT", help="A persona, PERSONA+break-glass, or anonymous.")],
    action: Annotated[
        str, typer.Argument(help="discover, read, a write such as update, or a field such as ModelVersion.params.")
    ],
    urn: Annotated[
        str, typer.Argument(metavar="ID", help="The id of an asset; for a write also of a team, user, domain or tag.")
    ],
    claims: Annotated[
        Path | None, typer.Option(help="A JSON file that describes the caller; SUBJECT is then only a title.")
    ] = None,
) -> None:
    """Explain one decision about an asset in the store, for operators: the rules, and what is missing."""
    try:
        principal = read_caller(claims) if claims else subject(who)
        parse_urn(urn)
        loaded, _ = _load(None)
        found = asyncio.run(_explanation(loaded, principal, action, urn))
    except InvalidError as error:
        raise misuse(error) from None
    _print_explanation(f"{who} {action} {urn}", found)


async def _explanation(loaded: Policy, principal: Principal, action: str, urn: str) -> Explanation:
    settings = Settings.from_env()
    endpoint = external_endpoints(settings) or running_endpoint(settings.data_dir.absolute() / STORE_FOLDER)
    if endpoint is None:
        raise InvalidError(
            f"No store runs on {settings.data_dir}; start `mlg dev` or `mlg serve`, or set MLG_STORE_URL."
        )
    async with GremlinClient(endpoint, deadline=settings.store_deadline) as client:
        attributes, caller = await asset_and_caller(client, principal, urn)
    return explain(loaded, caller, action, attributes)


def _load(folder: Path | None) -> tuple[Policy, Governed]:
    schema = governed_fields(build_schema().core)
    return Policy.load(folder, schema), schema


def _changed(change: PolicyChange) -> str:
    return f"{change.verb} {change.shown}"


def _axes(block: Block) -> dict[str, object]:
    return {
        name: [value for value in axis if value in values]
        for (name, axis), values in zip(AXES.items(), block, strict=True)
    }


def _print_table(title: str, principal: Principal, rows: list[tuple[str, Block]]) -> None:
    """Print a table to a terminal, else lines in the format of tests/unit/policies/decision_table.txt."""
    cells = [[text, *format_block(block, principal)] for text, block in rows]
    if sys.stdout.isatty():
        table = Table("", *AXES, title=title, title_justify="left")
        for row in cells:
            table.add_row(*row)
        Console().print(table)
        return
    widths = [max((len(row[column]) for row in cells), default=0) for column in range(len(AXES) + 1)]
    typer.echo(title)
    for row in cells:
        typer.echo(" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    typer.echo()


def _print_json(line: dict[str, object]) -> None:
    typer.echo(orjson.dumps(line).decode())


def _print_explanation(title: str, found: Explanation) -> None:
    typer.echo(f"{title}: {'yes' if found.allowed else 'no'}")
    typer.echo(f"access grade: {found.grade.name.lower()}")
    for name, value in found.visible.items():
        typer.echo(stdout_text(f"  {name}: {value or 'nobody'}"))
    for rule in found.policies:
        typer.echo(f"decided by {rule}")
    for need in found.needs:
        typer.echo(f"missing: {need.removeprefix('needs ')}")
