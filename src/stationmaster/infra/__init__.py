"""Adapters to the outside world and the ports they serve."""
