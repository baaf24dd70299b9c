"""Hourly and daily roll-ups."""
