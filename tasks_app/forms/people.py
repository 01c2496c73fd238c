"""Signing in, and asking for a new password."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.auth import forms as auth_forms
from django.contrib.auth.models import User


class SignInForm(auth_forms.AuthenticationForm):
    """User name or e-mail, and password. Unticked, the session ends with the browser."""

    remember = forms.BooleanField(required=False, label="Stay signed in on this device")

    error_messages = {
        "invalid_login": "The name or the password is not right. "
        "Check both; capitals matter in the password.",
        "inactive": "This person may not sign in any more. Ask your administrator.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail or user name"

    def clean_username(self) -> str:
        """Return the user name, found by an e-mail that exactly one person has."""
        typed = str(self.cleaned_data["username"]).strip()
        if "@" in typed and not User.objects.filter(username=typed).exists():
            found = User.objects.filter(email__iexact=typed).values_list("username")[:2]
            if len(found) == 1:
                return str(found[0][0])
        return typed

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.request is not None and not cleaned.get("remember"):
            self.request.session.set_expiry(0)
        return cleaned


class PasswordResetForm(auth_forms.PasswordResetForm):
    """Mails a link also to people who have no password yet."""

    def get_users(self, email: str) -> Iterable[User]:
        return User.objects.filter(email__iexact=email, is_active=True)
