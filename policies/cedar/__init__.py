"""The rules in Cedar: parsed, decided by the engine, and compiled to predicates over rows."""
