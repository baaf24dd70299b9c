"""The only place that chooses: settings, adapters, roles."""
