"""The FastAPI application: mounts every room's http.py."""
