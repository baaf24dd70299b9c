"""The WebSocket shell around ocpp.conversation."""
