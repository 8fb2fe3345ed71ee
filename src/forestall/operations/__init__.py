"""One file per deed that a person asks for: run, demo, agent, up, capture, a look at the host."""
