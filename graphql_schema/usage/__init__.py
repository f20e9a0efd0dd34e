"""Usage and cost: of assets, of teams, and the mutation that records them."""
