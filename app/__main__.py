"""Runs the command `mlg` as ``python -m app``."""

from app.cli.command_line import main

main()
