"""Pure rules that the schema and the store share; no I/O."""
