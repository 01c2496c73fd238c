"""The form that mends a failed task: another type or person, and who else it is for."""

from __future__ import annotations

from typing import Any

from django import forms

from tasks_app.models import Task, TaskType, VendorUser
from tasks_app.services.members import name_of
from tasks_app.services.mending import MENDABLE, trouble

Choice = TaskType | VendorUser


class PersonChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        user = obj.user
        return f"{obj} ({name_of(user)})" if user else str(obj)


class MendForm(forms.Form):
    """`chosen` is the new type or person; `alike` says: for all that failed like it."""

    alike = forms.BooleanField(required=False)

    def __init__(self, task: Task, others: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.task = task
        account, vendor = task.account, task.account.get_vendor_display()
        if MENDABLE[task.delivery_kind] == "type":
            self.fields["chosen"] = forms.ModelChoiceField(
                TaskType.objects.filter(account=account, active=True),
                label="Type",
                empty_label="Choose a type",
                error_messages={"required": "Choose a type."},
            )
        else:
            people = VendorUser.objects.filter(account=account, active=True)
            self.fields["chosen"] = PersonChoice(
                people.select_related("user"),
                label=f"Person at {vendor}",
                empty_label="Choose a person",
                error_messages={"required": "Choose a person."},
            )
        if not others:
            del self.fields["alike"]
            return
        one = "1 other task that" if others == 1 else f"{others:,} other tasks that"
        self.fields["alike"].label = f"Also for the {one} failed for this reason"
        self.fields["alike"].initial = True

    def clean_chosen(self) -> Choice:
        chosen: Choice = self.cleaned_data["chosen"]
        if sentence := trouble(self.task, chosen):
            raise forms.ValidationError(sentence)
        return chosen
