"""Make teams and bring people in, who set their own password."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from tasks_app.models import Membership, Team
from tasks_app.models.people import validate_time_zone

from .members import name_of
from .zones import zone_changed

#: Where Baton is reached while PUBLIC_URL names nothing else.
LOCAL_URL = "http://127.0.0.1:8000"
MAIL = """Hello {name},

there is an account for you in Baton. Set your password here:

{link}

The link works once, within {days} days. Your user name is {username}.
"""


@dataclass(frozen=True)
class Made:
    """What `create_team` did. `invited` are people who have no password yet."""

    team: Team
    created: bool
    invited: list[User] = field(default_factory=list)


def create_team(
    name: str,
    *,
    time_zone: str = "",
    leads: Sequence[str] = (),
    reps: Sequence[str] = (),
) -> Made:
    """Make this team, or change the one of that name; bring these e-mails into it.

    Somebody who does not exist is made without a password. A time zone of '' keeps
    what is, a role is changed to the one given, nobody is taken out. Raise
    ValidationError with sentences.
    """
    name, time_zone = name.strip(), time_zone.strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise ValidationError("A team needs a name of 1 to 100 printable characters.")
    if time_zone:
        validate_time_zone(time_zone)
    roles = _roles(leads, reps)
    with transaction.atomic():
        team, created = Team.objects.get_or_create(
            name=name, defaults={"time_zone": time_zone or settings.TIME_ZONE}
        )
        if time_zone and team.time_zone != time_zone:
            team.time_zone = time_zone
            team.save(update_fields=["time_zone"])
            zone_changed(team)
        people = {email: _person(email) for email in roles}
        for email, user in people.items():
            Membership.objects.update_or_create(
                team=team, user=user, defaults={"role": roles[email]}
            )
    invited = [user for user in people.values() if not user.has_usable_password()]
    return Made(team, created, invited)


def _roles(leads: Sequence[str], reps: Sequence[str]) -> dict[str, str]:
    """Return the role by e-mail, each in lower case."""
    roles: dict[str, str] = {}
    for role, emails in ((Membership.Role.LEAD, leads), (Membership.Role.REP, reps)):
        for text in emails:
            email = text.strip().lower()
            try:
                validate_email(email)
            except ValidationError:
                raise ValidationError(f"“{text}” is not an e-mail address.") from None
            if roles.get(email, role) != role:
                raise ValidationError(f"{email} is named as a lead and as a rep.")
            roles[email] = role.value
    return roles


def _person(email: str) -> User:
    """Return who has this e-mail, made now if nobody has."""
    found = list(User.objects.filter(email__iexact=email)[:2])
    found = found or list(User.objects.filter(username__iexact=email)[:2])
    if len(found) > 1:
        raise ValidationError(f"More than one person has the e-mail {email}.")
    if not found:
        # No password given means that none fits.
        return User.objects.create_user(username=email, email=email)
    if not found[0].is_active:
        raise ValidationError(f"{email} is switched off. Switch it on in the admin.")
    return found[0]


# -- links to set a password -----------------------------------------------------------


def set_password_link(user: User, *, base_url: str = "") -> str:
    """Return a link with which this person sets a password, once, within 3 days."""
    path = reverse(
        "password-reset-confirm",
        kwargs={
            "uidb64": urlsafe_base64_encode(force_bytes(user.pk)),
            "token": default_token_generator.make_token(user),
        },
    )
    return (base_url or settings.PUBLIC_URL or LOCAL_URL).rstrip("/") + path


def send_set_password_link(user: User, *, base_url: str = "") -> str:
    """Mail this person a link to set a password; return the link.

    Raise ValidationError where there is no address, OSError where mail cannot go out.
    """
    if not user.email:
        raise ValidationError(f"{user.get_username()} has no e-mail address.")
    if not user.is_active:
        raise ValidationError(f"{user.get_username()} is switched off.")
    link = set_password_link(user, base_url=base_url)
    hours = settings.PASSWORD_RESET_TIMEOUT // 3600
    body = MAIL.format(
        name=name_of(user),
        username=user.get_username(),
        link=link,
        days=hours // 24,
    )
    send_mail("Set your password for Baton", body, None, [user.email])
    return link


def mail_goes_to_the_console() -> bool:
    """Return whether mails are only printed, as in the embedded run."""
    return str(settings.EMAIL_BACKEND).endswith(".console.EmailBackend")
