"""`mlg policy`: check the policy, show what it means, compare it with another one, explain one decision."""
