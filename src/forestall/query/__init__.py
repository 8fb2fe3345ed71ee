"""What screens ask for: rows and series from a live look, from the agent's now file, or from the store."""
