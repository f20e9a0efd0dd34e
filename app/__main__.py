"""The command `mlg`."""

from app.cli.command_line import main

if __name__ == "__main__":
    main()
