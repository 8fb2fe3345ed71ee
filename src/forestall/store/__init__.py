"""What is kept: frames on disk in SQLite files, one per tier and period."""
