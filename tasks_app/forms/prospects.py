"""Forms about prospects: one person, the file to import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from tasks_app.models import ConnectedAccount, Prospect, Team
from tasks_app.services import prospect_cells as cells
from tasks_app.services.importing import MAX_BYTES, too_large
from tasks_app.services.matching import email_key


class ProspectForm(forms.ModelForm):  # type: ignore[type-arg]
    """One person by hand, held to the same rules as a row of an import."""

    tags = forms.CharField(
        required=False,
        label="Tags",
        help_text="Separated by commas.",
        max_length=2000,
    )

    class Meta:
        model = Prospect
        fields = (
            "first_name",
            "last_name",
            "title",
            "company",
            "email",
            "phone",
            "linkedin_url",
            "time_zone",
            "owner",
            "do_not_contact",
        )
        # What was typed is read by our own rules, whose sentences say more.
        field_classes = {
            "email": forms.CharField,
            "linkedin_url": forms.CharField,
        }
        help_texts = {"owner": "An e-mail address, or a name as your team writes it."}
        labels = {
            "email": "E-mail",
            "linkedin_url": "LinkedIn profile",
            "do_not_contact": "Do not contact",
        }

    def __init__(
        self,
        *args: Any,
        team: Team,
        account: ConnectedAccount | None = None,
        **kwargs: Any,
    ) -> None:
        """With `account` the form also asks for the prospect's id there."""
        super().__init__(*args, **kwargs)
        if account is not None:
            link = self.instance.links.filter(account=account).first()
            self.fields["external_id"] = forms.CharField(
                required=False,
                label=f"Id in {account.name}",
                max_length=100,
                initial=link.external_id if link else "",
                help_text=f"As {account.get_vendor_display()} shows it.",
            )
        self.team = team
        self.instance.team = team
        for name, kind in (
            ("email", "email"),
            ("phone", "tel"),
            ("linkedin_url", "url"),
        ):
            # The hint tells a phone which keyboard to show.
            self.fields[name].widget.attrs["inputmode"] = kind
        for field in self.fields.values():
            field.error_messages["max_length"] = (
                "This has %(show_value)d characters. At most %(limit_value)d fit."
            )
            if isinstance(field.widget, forms.TextInput):
                field.widget.attrs.update({"class": "input", "autocomplete": "off"})
        self.fields["time_zone"].widget.attrs["placeholder"] = "Europe/Berlin"
        self.fields["do_not_contact"].widget.attrs["class"] = "check"
        if self.instance.pk and "tags" not in self.initial:
            names = self.instance.tags.values_list("name", flat=True)
            self.initial["tags"] = ", ".join(names)

    def cleaned_by(self, name: str, clean: Callable[[str], str]) -> str:
        try:
            return clean(str(self.cleaned_data.get(name) or ""))
        except cells.BadCell as bad:
            raise ValidationError(str(bad)) from None

    def clean_first_name(self) -> str:
        return self.cleaned_by("first_name", cells.clean_text)

    def clean_last_name(self) -> str:
        return self.cleaned_by("last_name", cells.clean_text)

    def clean_title(self) -> str:
        return self.cleaned_by("title", cells.clean_text)

    def clean_company(self) -> str:
        return self.cleaned_by("company", cells.clean_text)

    def clean_phone(self) -> str:
        return self.cleaned_by("phone", cells.clean_phone)

    def clean_linkedin_url(self) -> str:
        return self.cleaned_by("linkedin_url", cells.clean_linkedin)

    def clean_time_zone(self) -> str:
        return self.cleaned_by("time_zone", cells.clean_time_zone)

    def clean_owner(self) -> str:
        return self.cleaned_by("owner", cells.clean_owner)

    def clean_email(self) -> str:
        email = self.cleaned_by("email", cells.clean_email)
        if email:
            others = Prospect.objects.of_team(self.team).filter(
                email_key=email_key(email)
            )
            if other := others.exclude(pk=self.instance.pk).first():
                raise ValidationError(
                    f"{other.full_name or 'Another prospect'} has this e-mail already."
                )
        return email

    def clean_tags(self) -> list[str]:
        try:
            return cells.split_tags(str(self.cleaned_data.get("tags") or ""))
        except cells.BadCell as bad:
            raise ValidationError(str(bad)) from None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        named = any(cleaned.get(n) for n in ("first_name", "last_name", "email"))
        if not named and not self.errors:
            self.add_error("first_name", "A name or an e-mail is needed.")
        return cleaned


class UploadForm(forms.Form):
    file = forms.FileField(
        label="CSV file",
        error_messages={
            "required": "Choose a CSV file first.",
            "empty": "This file is empty.",
            "missing": "Choose a CSV file first.",
            "invalid": "Choose a CSV file first.",
        },
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise ValidationError(too_large(file.size))
        return file
