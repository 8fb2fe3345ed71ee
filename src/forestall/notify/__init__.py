"""One file per sink that a notice can go to."""
