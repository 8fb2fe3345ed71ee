"""The page: a small read-only server of the standard library and inline SVG."""
