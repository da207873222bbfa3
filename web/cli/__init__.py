"""The `ochre` command line, one file a group."""
