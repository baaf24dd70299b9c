"""The cache port (presence, recent events, locks) and its two adapters."""
