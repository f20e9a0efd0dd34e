"""How it runs: HTTP, tokens, JanusGraph, batching, imports, commands."""
