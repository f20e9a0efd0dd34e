"""The HTTP and WebSocket interface: GraphQL, subscriptions, events, sign-in, pages, health checks, and their errors."""
