"""The export: reads the graph from the API as items that an import accepts."""
