"""The application that serves the schema: HTTP, authentication, the store, imports, and the command `mlg`."""
