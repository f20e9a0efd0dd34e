"""The server and the commands: HTTP, authentication, the store, imports, and the command `mlg`."""
