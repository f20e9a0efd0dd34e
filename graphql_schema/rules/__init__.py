"""Pure rules of the schema, most of which the store uses too; no I/O."""
