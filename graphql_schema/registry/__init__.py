"""The register of kinds, and the input and mutation for items of any kind: `AssetInput`, `registerAssets`."""
