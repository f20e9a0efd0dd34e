"""One item of a batch while it is planned."""
