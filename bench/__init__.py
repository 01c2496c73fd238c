"""Measurements and campaigns: each module is one command that prints a table."""
