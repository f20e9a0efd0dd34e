"""Everything that speaks Gremlin: client, prepared text, reads, writes, loaders."""
