"""The long-running processes: guard, recorder, inspector, hands."""
