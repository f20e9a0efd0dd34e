"""npm, for the pages: its command, and files of its packages that are locked."""
