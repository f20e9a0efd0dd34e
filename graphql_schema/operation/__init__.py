"""The path of an operation before its resolvers: size limits, admission, execution in a budget, guards of fields."""
