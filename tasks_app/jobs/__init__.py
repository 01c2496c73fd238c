"""Celery's side of the services. Importing this registers every job."""

from . import directory, hooks, probe, push, runs, sweep, sync  # noqa: F401
