"""Scheduled checks over sessions."""
