"""Declarations of input fields, the commands that inputs become, and their path to the writer."""
