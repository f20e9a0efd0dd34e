"""The register of kinds, and what is made from all kinds at once."""
