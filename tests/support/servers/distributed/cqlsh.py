"""A substitute for Cassandra's cqlsh, which is not among its jars: prints a result, or executes the file of one."""

import asyncio
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

from support.servers.distributed.cql_connection import cql_connection


async def main(port: int, statements: list[str]) -> None:
    """Execute statements, and print the last column of their rows: of DESCRIBE, the statement that creates the row."""
    async with cql_connection(port) as connection:
        for statement in statements:
            sys.stdout.writelines(f"{row[-1]}\n\n" for row in await connection.execute(statement))


def statements_of(text: str) -> Iterator[str]:
    """Yield the statements of a file, each of which ends with a semicolon at the end of a line."""
    yield from (each for each in map(str.strip, text.split(";\n")) if each)


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--execute", default="")
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    text = given.file.read_text() if given.file else given.execute
    asyncio.run(main(given.port, [*statements_of(f"{text}\n")]))
