"""Who gets a new task: a person in Baton, a person at the vendor, or both."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q

from tasks_app.models import ConnectedAccount, Membership, VendorUser
from tasks_app.vendors.offers import FieldError

from .members import members_by_name, members_of, name_of

#: Here an e-mail address alone names a person, so nobody has to be read first.
NAMED_BY_EMAIL = frozenset({"leadsquared"})


@dataclass(frozen=True)
class Holder:
    """`user` holds the task in Baton, `vendor_user` at the vendor; None = nobody.

    A `vendor_user` without a pk is new: `kept` saves it.
    """

    user: User | None = None
    vendor_user: VendorUser | None = None
    errors: list[FieldError] = field(default_factory=list)
    #: Refused because this person is not active any more.
    has_left: bool = False


def holder_for(
    account: ConnectedAccount, assignee: User | VendorUser | None, *, at_vendor: bool
) -> Holder:
    """Return who holds it; `at_vendor` = this vendor takes an assignee for the type.

    Where it takes none the choice stays in Baton. A mapped person is both.
    """
    if assignee is None:
        return Holder()
    if isinstance(assignee, VendorUser):
        return vendor_holder(account, assignee, at_vendor=at_vendor)
    if not Membership.objects.filter(team=account.team, user=assignee).exists():
        return failed(f"{name_of(assignee)} does not belong to this team.")
    if not at_vendor:
        return Holder(user=assignee)
    person = vendor_user_of(account, assignee)
    if person is None and assignee.email and account.vendor in NAMED_BY_EMAIL:
        person = newcomer(account, email=assignee.email)
        if not person.active:
            return vendor_holder(account, person, at_vendor=at_vendor)
        person.user = assignee
    if person is None:
        vendor = account.get_vendor_display()
        return failed(
            f"Baton does not know who {name_of(assignee)} is at {vendor}. Choose a "
            f"person of {vendor}, or have an administrator connect the two."
        )
    return Holder(user=assignee, vendor_user=person)


def vendor_holder(
    account: ConnectedAccount, person: VendorUser, *, at_vendor: bool
) -> Holder:
    if person.account_id != account.pk:
        return failed(f"{person} belongs to another account. Choose again.")
    if not person.active:
        sentence = f"{person} is not active any more. Choose somebody else."
        return replace(failed(sentence), has_left=True)
    return Holder(user=person.user, vendor_user=person if at_vendor else None)


def vendor_user_of(account: ConnectedAccount, user: User) -> VendorUser | None:
    """Return who this person is at the vendor: as mapped, else by e-mail, or None."""
    people = VendorUser.objects.filter(account=account, active=True)
    mapped = people.filter(user=user).first()
    if mapped is not None or not user.email:
        return mapped
    return people.filter(user=None, email__iexact=user.email).first()


def newcomer(
    account: ConnectedAccount, *, email: str = "", external_id: str = ""
) -> VendorUser:
    """Return somebody new, unsaved; where they were known and have left, their row."""
    left = VendorUser.objects.filter(account=account, active=False)
    if external_id:
        left = left.filter(external_id=external_id)
        new = VendorUser(account=account, external_id=external_id)
    else:
        left = left.filter(email__iexact=email)
        new = VendorUser(account=account, email=email)
    return left.first() or new


def failed(sentence: str) -> Holder:
    return Holder(errors=[FieldError("assignee", sentence)])


def assignees(account: ConnectedAccount, *, at_vendor: bool) -> list[tuple[str, str]]:
    """Return (value, label) of everybody who can be chosen; see `assignee_of`."""
    if at_vendor:
        people = VendorUser.objects.filter(account=account, active=True)
        return [(f"vendor:{person.pk}", str(person)) for person in people]
    return [(f"user:{m.pk}", name_of(m)) for m in members_by_name(account.team)]


def assignee_of(account: ConnectedAccount, value: str) -> User | VendorUser | None:
    """Return the person behind a value of `assignees`, None for anything else."""
    kind, _, number = value.partition(":")
    if not number.isdecimal() or len(number) > 18:
        return None
    if kind == "vendor":
        return VendorUser.objects.filter(account=account, pk=number).first()
    return members_of(account.team).filter(pk=number).first()


def named(
    account: ConnectedAccount, text: str, *, at_vendor: bool
) -> User | VendorUser | None:
    """Return who is meant by an e-mail address or by an id at the vendor, or None.

    Somebody the vendor may know and Baton does not is a new, unsaved `VendorUser`.
    Who was known and has left is their inactive row, which `holder_for` refuses.
    """
    text = text.strip()
    people = VendorUser.objects.filter(account=account, active=True)
    person = people.filter(external_id=text).first() if text else None
    person = person or people.exclude(email="").filter(email__iexact=text).first()
    if person is not None and (at_vendor or person.user is not None):
        return person
    called_so = Q(email__iexact=text) | Q(username__iexact=text)
    member = members_of(account.team).filter(called_so).first()
    if member is not None and text:
        return member
    if not at_vendor or not text or len(text) > 100:
        return None
    if "@" not in text:
        return newcomer(account, external_id=text)
    try:
        validate_email(text)
    except ValidationError:
        return None
    if account.vendor not in NAMED_BY_EMAIL:
        return None
    return newcomer(account, email=text)


def kept(holder: Holder) -> VendorUser | None:
    """Return the person at the vendor, saved if they are new."""
    person = holder.vendor_user
    if person is None or person.pk is not None:
        return person
    values = {"user": person.user, "email": person.email}
    if person.external_id:
        return VendorUser.objects.get_or_create(
            account=person.account, external_id=person.external_id, defaults=values
        )[0]
    known = VendorUser.objects.filter(
        account=person.account, email__iexact=person.email
    ).first()
    if known is None:
        person.save()
    return known or person
