"""The people tasks are for, and the id each has in each account."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from tasks_app.vendors.drafts import ProspectDraft

from .accounts import ConnectedAccount
from .people import Team, empty_dict


class Tag(models.Model):
    team = models.ForeignKey(Team, models.CASCADE, related_name="tags")
    name = models.CharField(max_length=60)

    class Meta:
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(fields=["team", "name"], name="one_tag_of_a_name")
        ]

    def __str__(self) -> str:
        return self.name


class ProspectQuerySet(models.QuerySet["Prospect"]):
    def of_team(self, team: Team) -> ProspectQuerySet:
        return self.filter(team=team)

    def search(self, text: str) -> ProspectQuerySet:
        """Those in whose name, company, title or e-mail every word occurs."""
        found = self
        for word in text.casefold().split():
            found = found.filter(search_text__contains=word)
        return found


class Prospect(models.Model):
    team = models.ForeignKey(Team, models.CASCADE, related_name="prospects")
    first_name = models.CharField(max_length=200, blank=True)
    last_name = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=200, blank=True)
    company = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=60, blank=True)
    linkedin_url = models.URLField("LinkedIn", max_length=300, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    #: Whose prospect it is, as their tool says it: an e-mail address or a name.
    owner = models.CharField(max_length=254, blank=True)
    owner_key = models.CharField(max_length=254, blank=True, editable=False)
    tags = models.ManyToManyField(Tag, blank=True, related_name="prospects")
    do_not_contact = models.BooleanField(default=False)
    #: Lower-cased e-mail: one person per address in a team; '' = none known.
    email_key = models.CharField(max_length=254, blank=True, editable=False)
    search_text = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ProspectQuerySet.as_manager()

    class Meta:
        ordering = ("last_name", "first_name", "pk")
        constraints = [
            models.UniqueConstraint(
                fields=["team", "email_key"],
                condition=~Q(email_key=""),
                name="one_prospect_per_email",
            )
        ]
        indexes = [
            models.Index(
                fields=["team", "last_name", "first_name", "id"],
                name="prospect_by_name",
            ),
            models.Index(fields=["team", "owner_key"], name="prospect_by_owner"),
        ]

    def __str__(self) -> str:
        return self.full_name or self.email or f"Prospect {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.fill_derived()
        super().save(*args, **kwargs)

    def fill_derived(self) -> None:
        """Set the columns that follow from others; bulk writers call it themselves."""
        self.email_key = self.email.strip().casefold()
        self.owner_key = self.owner.strip().casefold()[:254]
        parts = (self.first_name, self.last_name, self.title, self.company, self.email)
        self.search_text = " ".join(part for part in parts if part).casefold()

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def initials(self) -> str:
        letters = (self.first_name[:1] + self.last_name[:1]) or self.email[:1]
        return letters.upper()

    def draft(self, external_id: str) -> ProspectDraft:
        """Return this person as an adapter gets them."""
        return ProspectDraft(
            external_id=external_id,
            email=self.email,
            first_name=self.first_name,
            last_name=self.last_name,
            company=self.company,
            title=self.title,
            phone=self.phone,
            linkedin_url=self.linkedin_url,
        )


class ProspectLink(models.Model):
    """The id a prospect has in one account."""

    prospect = models.ForeignKey(Prospect, models.CASCADE, related_name="links")
    account = models.ForeignKey(
        ConnectedAccount, models.CASCADE, related_name="prospect_links"
    )
    external_id = models.CharField(max_length=100)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "external_id"], name="one_prospect_per_vendor_id"
            ),
            models.UniqueConstraint(
                fields=["prospect", "account"], name="one_vendor_id_per_account"
            ),
            models.CheckConstraint(
                condition=~Q(external_id=""), name="no_empty_vendor_id"
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class ProspectImport(models.Model):
    """An uploaded file on its way: mapped, looked at, then imported or left."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", "Waiting for you"
        DONE = "done", "Imported"

    team = models.ForeignKey(Team, models.CASCADE, related_name="imports")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    file_name = models.CharField(max_length=200)
    content = models.BinaryField()
    #: {column heading: field name or "account:ID"}
    mapping = models.JSONField(default=empty_dict)
    #: Whether people who are known already are changed, too.
    update_known = models.BooleanField(default=True)
    state = models.CharField(max_length=10, choices=State, default=State.UPLOADED)
    #: Counts and refused rows, as `services.importing.Report.as_json()` makes them.
    report = models.JSONField(default=empty_dict)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.file_name
