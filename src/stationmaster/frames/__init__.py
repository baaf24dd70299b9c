"""The OCPP log: every frame and direction, once."""
