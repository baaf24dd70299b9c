"""The message bus port and its two adapters."""
