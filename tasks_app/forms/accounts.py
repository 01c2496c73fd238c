"""Forms for accounts: connecting one in the admin site, settling what is unclear."""

from __future__ import annotations

import zoneinfo
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError

from tasks_app.models import ConnectedAccount
from tasks_app.models.fields import Unreadable
from tasks_app.services.account_entry import check_entry
from tasks_app.services.account_settings import Rates, parse_rates, write_rates
from tasks_app.vendors import ADAPTERS, VendorAdapter
from tasks_app.vendors.offers import Setting

#: The choice that stands for an address typed by hand.
OWN_URL = "own"
#: Keys shorter than this show nothing of themselves.
SHOWN_FROM = 12


def saved_key_hint(account: ConnectedAccount | None, key: str) -> str:
    """Return what may be told of a saved key: at most its last four characters."""
    if account is None:
        return ""
    if isinstance(account.credentials, Unreadable):
        return "Saved with an encryption key that is gone. Enter it again."
    saved = str(account.credentials.get(key) or "")
    if not saved:
        return ""
    ends = f", ends in …{saved[-4:]}" if len(saved) >= SHOWN_FROM else ""
    return f"Saved{ends}. Leave empty to keep it."


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """The parts that are alike; `account_form` adds what one vendor needs."""

    vendor_class: type[VendorAdapter]

    class Meta:
        model = ConnectedAccount
        fields = ("team", "name", "reference_marker", "bring_in")

    address = forms.ChoiceField(label="Base URL")
    base_url = forms.CharField(
        label="Own base URL",
        required=False,
        max_length=300,
        help_text="Only for “Another address”. Hosts that the vendor does not document "
        "must stand in EXTRA_VENDOR_HOSTS.",
        widget=forms.TextInput(attrs={"size": 60, "inputmode": "url"}),
    )
    rate = forms.CharField(
        label="Rate limit",
        required=False,
        max_length=100,
        help_text="Calls/seconds, such as 25/5, and several with commas: "
        "100/60,3000/3600. Empty = the vendor's usual limit.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account = self.account
        vendor = self.vendor_class
        presets = [(url, f"{label} ({url})") for url, label in vendor.base_urls]
        choices = [*presets, (OWN_URL, "Another address")]
        cast(forms.ChoiceField, self.fields["address"]).choices = choices
        usual = write_rates(vendor.default_rates)
        self.fields["rate"].widget.attrs["placeholder"] = usual
        if account is None:
            self.initial.setdefault("reference_marker", vendor.marker_default)
            return
        known = account.base_url in dict(presets)
        self.initial["address"] = account.base_url if known else OWN_URL
        self.initial["base_url"] = "" if known else account.base_url
        self.initial["rate"] = write_rates(account.rates)
        for key, _ in vendor.credential_fields:
            self.fields[f"credential_{key}"].help_text = saved_key_hint(account, key)
        for setting in vendor.settings_fields:
            value = account.settings.get(setting.name, "")
            self.initial[f"setting_{setting.name}"] = value or setting.default

    @property
    def account(self) -> ConnectedAccount | None:
        return self.instance if self.instance.pk else None

    def clean_address(self) -> str:
        return str(self.cleaned_data["address"])

    def clean_rate(self) -> Rates:
        try:
            return parse_rates(self.cleaned_data["rate"])
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        super().clean()
        data = self.cleaned_data
        team = self.account.team if self.account else data.get("team")
        if data.get("address") == OWN_URL and not data.get("base_url"):
            self.add_error("base_url", "Enter the address, or choose one above.")
        if team is None or self.errors:
            return data
        taken = ConnectedAccount.objects.of_team(team).filter(name=data["name"].strip())
        if self.account is None and taken.exists():
            self.add_error("name", "This team already has an account of that name.")
            return data
        entry = self.entry()
        for name in ("marker", "bring_in"):
            entry.pop(name)
        try:
            check_entry(**entry)
        except ValidationError as error:
            for name, sentences in error.message_dict.items():
                where = (
                    "address" if name == "base_url" and not data["base_url"] else name
                )
                self.add_error(where if where in self.fields else None, sentences)
        return data

    def entry(self) -> dict[str, Any]:
        """Return what `connect_account` takes."""
        data, vendor = self.cleaned_data, self.vendor_class
        own = data["address"] == OWN_URL
        return {
            "team": self.account.team if self.account else data["team"],
            "vendor": vendor.slug,
            "name": data["name"],
            "base_url": data["base_url"] if own else data["address"],
            "credentials": {
                key: data.get(f"credential_{key}", "")
                for key, _ in vendor.credential_fields
            },
            "settings": {
                setting.name: data.get(f"setting_{setting.name}", "")
                for setting in vendor.settings_fields
            },
            "rates": data["rate"],
            "marker": data["reference_marker"],
            "bring_in": data["bring_in"],
            "account": self.account,
        }


def account_form(vendor: str) -> type[AccountForm]:
    """Return the form for an account at this vendor, with its keys and settings."""
    adapter = ADAPTERS[vendor]
    parts: dict[str, Any] = {"vendor_class": adapter, "__module__": __name__}
    for key, label in adapter.credential_fields:
        parts[f"credential_{key}"] = forms.CharField(
            label=label,
            required=False,
            max_length=2000,
            widget=forms.PasswordInput(
                render_value=False,
                attrs={
                    "autocomplete": "new-password",
                    "size": 60,
                    "spellcheck": "false",
                },
            ),
        )
    for setting in adapter.settings_fields:
        parts[f"setting_{setting.name}"] = setting_field(setting)
    return type(f"{adapter.__name__}Form", (AccountForm,), parts)


def setting_field(setting: Setting) -> forms.Field:
    """Return a form field for one setting of a vendor; its value is a text."""
    shared: dict[str, Any] = {
        "label": setting.label,
        "help_text": setting.help,
        "required": False,
        "initial": setting.default,
    }
    if setting.choices:
        return forms.ChoiceField(choices=setting.choices, **shared)
    if setting.kind == "time_zone":
        zones = [(name, name) for name in sorted(zoneinfo.available_timezones())]
        return forms.ChoiceField(
            choices=[("", "The team's time zone"), *zones], **shared
        )
    if setting.kind == "integer":
        number = forms.TextInput(attrs={"inputmode": "numeric", "size": 12})
        return forms.CharField(max_length=20, widget=number, **shared)
    return forms.CharField(max_length=200, **shared)
