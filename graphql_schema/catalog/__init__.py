"""The model of the graph, as frozen values."""
