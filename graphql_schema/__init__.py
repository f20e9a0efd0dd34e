"""The GraphQL schema: the catalog of kinds and relations, types, inputs, mutations, and the ports to a store."""
