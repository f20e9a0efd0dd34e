"""The GraphQL view and its manners on the wire."""
