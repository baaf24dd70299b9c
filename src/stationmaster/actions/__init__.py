"""OCPP dialects to business flows: one file per action."""
