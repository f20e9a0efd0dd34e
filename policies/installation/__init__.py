"""What an installation decides besides rules and labels: its gates, and what results disclose of hidden nodes."""
