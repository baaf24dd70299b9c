"""Socket.IO: facts to rooms, event names and payloads."""
