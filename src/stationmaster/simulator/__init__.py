"""A fleet of charging stations built on ocpp/."""
