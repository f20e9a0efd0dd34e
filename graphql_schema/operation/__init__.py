"""The path of an operation before its resolvers: size limits, admission, and the guard on every field."""
