"""One file per kernel file or text format: bytes in, values out, nothing but Malformed raised."""
