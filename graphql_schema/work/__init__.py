"""What waits for the viewer: approvals and change plans; open incidents, unhealthy and unused assets of its teams."""
