"""What the graph is: kinds, relations, fields, inputs."""
