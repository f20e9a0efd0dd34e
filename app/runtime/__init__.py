"""The parts that one server process holds while it runs."""
