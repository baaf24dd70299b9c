"""Charging stations, connectors, their status, credentials and commands."""
