"""The command `mlg`: its subcommands, with their arguments, output and exit codes."""
