"""One file per command, found by discovery."""
