"""One file per kind of thing that is read each tick; reads through system, parses through parse."""
