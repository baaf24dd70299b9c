"""Read-only SQL, one file per screen."""
