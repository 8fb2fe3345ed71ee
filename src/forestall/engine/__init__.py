"""From frames to findings to at most one action per target: deterministic, without clock or file."""
