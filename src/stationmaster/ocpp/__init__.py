"""The protocol without I/O: frames, the conversation state machine, sub-protocols, schemas."""
