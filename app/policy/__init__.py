"""The command `mlg policy`: check the policy, print its meaning, compare two policies, explain one decision."""
