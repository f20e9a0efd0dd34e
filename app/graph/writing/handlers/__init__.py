"""One handler for each kind of command."""
