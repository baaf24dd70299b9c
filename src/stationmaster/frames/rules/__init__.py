"""Pure rules of the OCPP log: rows of a frame, what must not be written, which rows belong together."""
