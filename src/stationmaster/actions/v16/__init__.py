"""OCPP 1.6, one file per action."""
