"""Teams, and the people in them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from tasks_app.models import Membership, Team
from tasks_app.services.teams import send_set_password_link
from tasks_app.services.zones import zone_changed

from .rights import NoMassDelete


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 1
    autocomplete_fields = ("user",)
    verbose_name = "member"
    verbose_name_plural = "members"


@admin.register(Team)
class TeamAdmin(NoMassDelete):
    list_display = ("name", "time_zone", "people")
    search_fields = ("name",)
    fields = ("name", "time_zone")
    inlines = (MembershipInline,)
    kept_by = ("accounts", "prospects", "tasks", "batches")

    def save_model(
        self, request: HttpRequest, obj: Team, form: Any, change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        if change and "time_zone" in form.changed_data:
            zone_changed(obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        rows: QuerySet[Team] = super().get_queryset(request)
        return rows.annotate(head_count=Count("memberships"))

    @admin.display(description="people", ordering="head_count")
    def people(self, team: Team) -> int:
        return int(team.head_count)  # type: ignore[attr-defined]


admin.site.unregister(User)


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    """People are switched off, never deleted: their name stands in the history."""

    list_display = (
        "username",
        "email",
        "first_name",
        "last_name",
        "is_active",
        "is_staff",
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": (
                    "username",
                    "email",
                    "first_name",
                    "last_name",
                    "usable_password",
                    "password1",
                    "password2",
                ),
            },
        ),
    )
    actions = ("send_link",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description="Send a link to set a password", permissions=["change"])
    def send_link(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        base_url = settings.PUBLIC_URL or request.build_absolute_uri("/")
        sent = 0
        for user in queryset:
            try:
                send_set_password_link(user, base_url=base_url)
            except ValidationError as error:
                self.message_user(request, " ".join(error.messages), messages.WARNING)
            except OSError:
                text = f"The mail to {user.email} could not be sent. Check EMAIL_URL."
                self.message_user(request, text, messages.ERROR)
            else:
                sent += 1
                self.log_change(request, user, "Sent a link to set a password.")
        if sent:
            links = "1 link was" if sent == 1 else f"{sent} links were"
            self.message_user(request, f"{links} sent.", messages.SUCCESS)
