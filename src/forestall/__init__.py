"""forestall keeps services from being OOM-killed."""

__version__ = "0.1.0"
