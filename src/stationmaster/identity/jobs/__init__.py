"""Scheduled work on people and their logins."""
