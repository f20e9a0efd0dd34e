"""GraphQL over WebSocket, in the protocol graphql-transport-ws."""
