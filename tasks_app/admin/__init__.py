"""The administrator's site: teams and people, connections, and what has happened."""

from __future__ import annotations

from django.contrib import admin

from . import accounts, offers, people, records

__all__ = ["accounts", "offers", "people", "records"]

admin.site.site_header = "Baton administration"
admin.site.site_title = "Baton administration"
admin.site.index_title = "Set-up"
# Texts such as an empty cell's are the same everywhere.
admin.site.empty_value_display = "–"
