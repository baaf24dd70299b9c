"""Pure pricing."""
