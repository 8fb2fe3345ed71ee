"""From TOML files to policies and plug-in settings, with every mistake named by file and line."""
