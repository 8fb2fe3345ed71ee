"""One file per kind of thing that is read each tick; reads through system, parses through parse.

Each file exports `PLUGIN`, the class that reads its kind; it keeps its files
open between ticks and gives plain values.
"""
