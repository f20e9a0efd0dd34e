"""What an installation decides besides rules and labels: its gates, its reserved names, and what results disclose."""
