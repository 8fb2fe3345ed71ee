"""One file per deed that a person asks for: run, demo, a look at the host."""
