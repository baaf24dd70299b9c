"""Scheduled checks over stations and commands."""
