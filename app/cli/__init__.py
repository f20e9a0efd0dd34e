"""The command `mlg`; no other package prints."""
