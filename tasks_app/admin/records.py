"""What has happened, for looking only."""

from __future__ import annotations

from django.contrib import admin

from tasks_app.models import Batch, Drift, Exchange, Push, SyncRun, Task

from .rights import ReadOnly

# Django's own plural would be "batchs" and "pushs".
Batch._meta.verbose_name_plural = "batches"
Push._meta.verbose_name_plural = "pushes"


@admin.register(Batch)
class BatchAdmin(ReadOnly):
    list_display = ("id", "title", "team", "account", "created_by", "created_at")
    list_filter = ("team",)
    list_select_related = ("team", "account", "created_by")
    search_fields = ("title",)


@admin.register(Task)
class TaskAdmin(ReadOnly):
    list_display = ("id", "title", "account", "status", "delivery", "external_id")
    list_filter = ("delivery", "status", "team")
    list_select_related = ("account",)
    search_fields = ("=external_id", "=prospect__email")
    ordering = ("-created_at", "-pk")


@admin.register(Push)
class PushAdmin(ReadOnly):
    list_display = ("id", "kind", "state", "account", "tries", "error", "updated_at")
    list_filter = ("state", "kind")
    list_select_related = ("account",)
    search_fields = ("=external_id", "=request_number", "=marker")
    ordering = ("-pk",)


@admin.register(Exchange)
class ExchangeAdmin(ReadOnly):
    """Calls to vendors. Their bodies were stored without secrets."""

    list_display = (
        "id", "began_at", "account", "purpose", "method", "path", "status_code", "outcome",
    )  # fmt: skip
    list_filter = ("outcome", "purpose")
    list_select_related = ("account",)
    exclude = ("pushes",)
    ordering = ("-pk",)


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnly):
    list_display = (
        "id", "account", "state", "tasks_read", "tasks_changed", "calls", "error",
        "ended_at",
    )  # fmt: skip
    list_filter = ("state",)
    list_select_related = ("account",)


@admin.register(Drift)
class DriftAdmin(ReadOnly):
    list_display = ("account", "kind", "detail", "count", "first_seen", "last_seen")
    list_filter = ("kind",)
    list_select_related = ("account",)
