"""Scheduled checks of the OCPP log; one file each."""
