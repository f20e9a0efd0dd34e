"""One request to the store: its text, its transport, its response or error."""
