"""The server and the commands: HTTP, tokens, storage in JanusGraph, and imports."""
