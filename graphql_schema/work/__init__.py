"""What waits for the viewer: approvals, open incidents, unhealthy and unused assets of the teams of the viewer."""
