"""Scheduled checks of the frame worker; one file each."""
