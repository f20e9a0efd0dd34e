"""Command handlers: each takes a unit of work and a command, stages the changes and returns the outcome."""
