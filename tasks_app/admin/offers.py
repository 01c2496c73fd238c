"""What an account offers: people who can hold tasks, and types of tasks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest

from tasks_app.models import ConnectedAccount, TaskType, VendorUser
from tasks_app.services import directory

from .rights import NoMassDelete


class AccountChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj} – {obj.team}"


class OfAccount(NoMassDelete):
    """Rows of a live account, which never move to another one."""

    list_per_page = 50
    list_filter = ("active", ("account", admin.RelatedOnlyFieldListFilter))
    kept_by = ("tasks",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).filter(account__deleted_at=None)
        return rows.select_related("account").defer("account__credentials")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Any = None
    ) -> tuple[str, ...]:
        return (
            (*self.readonly_fields, "account") if obj else tuple(self.readonly_fields)
        )

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name == "account":
            kwargs["form_class"] = AccountChoice
            kwargs["queryset"] = ConnectedAccount.objects.live().select_related("team")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class VendorUserForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = VendorUser
        fields = ("account", "external_id", "name", "email", "user", "active")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        account = data.get("account") or getattr(self.instance, "account", None)
        if not data.get("external_id") and not data.get("email"):
            raise ValidationError("Enter the id or the e-mail this person has there.")
        user = data.get("user")
        if user and account:
            members = account.team.memberships
            if not members.filter(user=user).exists():
                self.add_error("user", f"Is not in the team {account.team}.")
        return data


@admin.register(VendorUser)
class VendorUserAdmin(OfAccount):
    form = VendorUserForm
    list_display = ("name", "email", "external_id", "account", "user", "active")
    list_select_related = ("user",)
    search_fields = ("name", "email", "external_id")
    autocomplete_fields = ("user",)

    def save_model(
        self, request: HttpRequest, obj: VendorUser, form: Any, change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        if "user" not in form.changed_data:
            return
        if moved := directory.map_person(obj, form.initial.get("user")):
            tasks = "1 task" if moved == 1 else f"{moved} tasks"
            whose = obj.user or "nobody in Baton"
            self.message_user(request, f"{tasks} of {obj} now belong to {whose}.")


@admin.register(TaskType)
class TaskTypeAdmin(OfAccount):
    list_display = ("name", "code", "channel", "account", "active")
    search_fields = ("name", "code")
    fields = ("account", "code", "name", "channel", "active", "position", "fields")
    readonly_fields = ("fields",)
