"""One file per rule: a look at one target's recent past, at most one finding out."""
