"""What becomes of typed values when another account or type takes other fields.

A value that the fields now shown have no place for stays in the form, hidden, so that
going back brings it back; and it is said that it will not be sent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from django.http import QueryDict
from django.utils.dateparse import parse_date, parse_datetime

from tasks_app.models import ConnectedAccount, VendorUser
from tasks_app.services import assigning

#: Put beside a day where a vendor wants a time; the page says so.
END_OF_WORK = "17:00"
TIMES = ("starts_at", "due_at", "due_on")


def offered(account: ConnectedAccount, code: str) -> dict[str, str]:
    """Return {name in the form: label} of what this account takes for a type."""
    specs = account.adapter().fields(code)
    return {
        spec.name if spec.name in TIMES else f"o_{spec.name}": spec.label
        for spec in specs
    }


def carried_over(
    source: QueryDict,
    *,
    before: ConnectedAccount | None,
    now: ConnectedAccount,
    names: Collection[str],
    at_vendor: bool,
) -> tuple[QueryDict, list[str]]:
    """Return the values for the fields of `now`, and sentences on what was put in.

    What stood in the fields of `before` counts; `names` are those of the new form.
    """
    values = source.copy()
    code = source.get("type_code", "")
    was = offered(before, code).keys() if before else frozenset(TIMES)
    notes = carry_due(values, was, names, now.get_vendor_display())
    for name in ("assignee", "ownerless", "assignees"):
        people = [
            same_person(now, v, at_vendor=at_vendor) for v in values.getlist(name)
        ]
        pairs = zip(values.getlist(name), people, strict=True)
        lost = [value for value, to in pairs if value and not to]
        known = [to for to in people if to]
        notes += [
            f"{label_of(now.team_id, v)} is nobody at {now.name}: choose again."
            for v in lost
        ]
        values.setlist(name, known if name == "assignees" else known or [""])
    return values, list(dict.fromkeys(notes))


def carry_due(
    values: QueryDict, was: Collection[str], names: Collection[str], vendor: str
) -> list[str]:
    """Turn the due time that was seen into a day where there is no time, and back."""
    at = read(values.get("due_at", ""))
    day = read(values.get("due_on", ""))[:10] if "due_on" in was else ""
    seen = bool(at) and "due_at" in was
    if "due_at" not in names:
        if seen and not day:
            values["due_on"] = at[:10]
    elif day and not seen and (at or "due_on" not in names):
        values["due_at"] = f"{day}T{at[11:16] or END_OF_WORK}"
        values["due_on"] = ""
        if not at:
            return [
                f"{vendor} wants a time of day with the due day: {END_OF_WORK} was put "
                "in."
            ]
    return []


def read(text: str) -> str:
    """Return the day or time in the form of a form's field, '' if it is none."""
    try:
        at, day = parse_datetime(text), parse_date(text)
    except ValueError:
        return ""
    if at is not None:
        return f"{at:%Y-%m-%dT%H:%M}"
    return day.isoformat() if day else ""


def same_person(now: ConnectedAccount, value: str, *, at_vendor: bool) -> str:
    """Return who this choice of another account is in `now`; '' = nobody known."""
    kind, _, number = value.partition(":")
    if kind not in ("vendor", "user") or not number.isdecimal() or len(number) > 18:
        return value
    person = None
    if kind == "vendor":
        people = VendorUser.objects.filter(account__team_id=now.team_id)
        person = people.select_related("user").filter(pk=number).first()
        if person is None:
            return ""
        if person.account_id == now.pk and at_vendor:
            return value
    user = person.user if person else assigning.assignee_of(now, value)
    if isinstance(user, VendorUser):
        return ""
    if not at_vendor:
        return f"user:{user.pk}" if user else ""
    found = assigning.vendor_user_of(now, user) if user else None
    if found is None and person is not None and person.email:
        same = VendorUser.objects.filter(account=now, active=True)
        found = same.filter(email__iexact=person.email).first()
    return f"vendor:{found.pk}" if found else ""


def label_of(team_id: int, value: str) -> str:
    """Return whom of this team's accounts a choice names, for a sentence."""
    kind, _, number = value.partition(":")
    known = kind == "vendor" and number.isdecimal() and len(number) < 19
    people = VendorUser.objects.filter(account__team_id=team_id)
    person = people.filter(pk=number).first() if known else None
    return str(person) if person else "The chosen person"


def hidden(source: QueryDict, names: Collection[str]) -> list[tuple[str, str]]:
    """Return (name, value) of what was typed and has no field now."""
    return [
        (name, value)
        for name in source
        if (name in TIMES or name.startswith("o_")) and name not in names
        for value in source.getlist(name)[:1]
        if value.strip() and len(value) <= 5_000
    ][:50]


def losses(
    source: QueryDict,
    names: Collection[str],
    *,
    vendor: str,
    labels: Mapping[str, str],
    preset: Collection[tuple[str, str]] = (),
) -> list[str]:
    """Return sentences on what was typed and will not be sent.

    `preset` are the names and values that a form shows before anybody types.
    """
    sentences = []
    for name, value in hidden(source, names):
        if (name, value) in preset:
            continue
        shown = " ".join(value.split())
        shown = shown if len(shown) <= 40 else f"{shown[:39]}…"
        if name == "due_on":
            continue
        if name == "due_at" and read(value):
            clock = read(value)[11:16]
            sentences.append(f"{vendor} has no time of day: {clock} will be dropped.")
        elif name == "starts_at" and read(value):
            start = read(value).replace("T", " ")
            sentences.append(f"{vendor} has no start: {start} will be dropped.")
        elif name in labels:
            sentences.append(
                f"{vendor} has no “{labels[name]}” here: “{shown}” will be dropped."
            )
    return sentences


def labels_of(
    accounts: Iterable[ConnectedAccount], source: QueryDict
) -> dict[str, str]:
    """Return the labels of all fields that these accounts could have shown."""
    labels: dict[str, str] = {}
    for account in accounts:
        for code in dict.fromkeys([source.get("type_code", ""), *types_of(account)]):
            for name, label in offered(account, code).items():
                labels.setdefault(name, label)
    return labels


def presets_of(accounts: Iterable[ConnectedAccount]) -> set[tuple[str, str]]:
    """Return (name, value) of all that these accounts' forms are filled with at first."""
    return {
        (f"o_{spec.name}", spec.default)
        for account in accounts
        for code in types_of(account)
        for spec in account.adapter().fields(code)
        if spec.default
    }


def types_of(account: ConnectedAccount) -> list[str]:
    return list(account.task_types.values_list("code", flat=True)[:50])
