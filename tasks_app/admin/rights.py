"""Who may do what in the admin site, beyond Django's own rights."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest


def staff(request: HttpRequest) -> User:
    """Return who is signed in; the admin site lets nobody else come this far."""
    return cast(User, request.user)


class NoMassDelete(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows are taken out one by one, and only while nothing hangs on them."""

    #: Names of relations; a row that has any such row stays.
    kept_by: tuple[str, ...] = ()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        if obj is None or not super().has_delete_permission(request, obj):
            return False
        return not any(getattr(obj, name).exists() for name in self.kept_by)


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """For looking only: written by the product, never by hand."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False
