"""The scene: the lineage around some assets, rolled up to what fits on a screen (docs/adr/0027-scene.md)."""
