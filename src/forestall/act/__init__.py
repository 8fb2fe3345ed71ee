"""One file per act: what the guard and its hands can do to a target."""
