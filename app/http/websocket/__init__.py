"""Subscriptions over WebSockets, with the subprotocol ``graphql-transport-ws``."""
