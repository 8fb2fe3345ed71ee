"""Faces: the command line and the page."""
