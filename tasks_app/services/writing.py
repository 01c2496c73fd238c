"""From what somebody wrote to one draft for each prospect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from tasks_app.models import ConnectedAccount, Prospect, TaskType
from tasks_app.vendors import VendorAdapter
from tasks_app.vendors.drafts import ProspectDraft, TaskDraft
from tasks_app.vendors.handlebars import KNOWN_VARIABLES, unknown_variables
from tasks_app.vendors.offers import FieldError, FormField

from . import filling
from .drafting import assignee_draft
from .plans import Plan, TaskInput, UnknownWord

#: Without any day these vendors take their own today, whenever the call arrives.
FILLS_IN_TODAY = frozenset({"saleshandy", "leadsquared"})
#: These need a start; a task that names none starts at once.
STARTS_AT_ONCE = frozenset({"reply"})
LONGEST_TITLE = 500
#: Times ten thousand prospects this is what one batch may weigh.
LONGEST_NOTE = 20_000
LONGEST_OPTION = 5_000


def find_type(
    account: ConnectedAccount, adapter: VendorAdapter, code: str
) -> TaskType | None:
    """Return the account's type of this code or name, in any letter case, or None."""
    canonical = (adapter.canonical_type(code) or code).strip().casefold()
    types = [t for t in account.task_types.all() if t.active]
    by_code = {t.code.casefold(): t for t in types}
    return by_code.get(canonical) or {t.name.casefold(): t for t in types}.get(
        code.strip().casefold()
    )


def template_of(plan: Plan, type_code: str) -> TaskDraft:
    """Return the draft with its variables still in it and nobody as prospect."""
    given = plan.task_input
    options = dict(given.options)
    if plan.type is not None and plan.type.fields.get("category") is not None:
        options["category"] = str(plan.type.fields["category"])
    return TaskDraft(
        ref="",
        type_code=type_code,
        title=given.title.strip(),
        note=given.note.strip(),
        priority=given.priority,
        starts_at=given.starts_at,
        due_at=given.due_at,
        due_on=given.due_on,
        assignee=assignee_draft(plan.holder.vendor_user),
        options=options,
    )


def with_defaults(plan: Plan, draft: TaskDraft, now: datetime) -> TaskDraft:
    """Fix what the vendor would otherwise decide on its own clock, and say so."""
    vendor = plan.adapter.name
    undated = not (draft.starts_at or draft.due_at or draft.due_on)
    if undated and plan.account.vendor in FILLS_IN_TODAY:
        today = plan.account.team.today(now)
        plan.notices.append(
            f"Without a due day {vendor} takes its own today, so today is sent: "
            f"{today.day} {today:%B %Y}."
        )
        return replace(draft, due_on=today)
    if not draft.starts_at and plan.account.vendor in STARTS_AT_ONCE:
        plan.notices.append(f"{vendor} needs a start. Without one it starts at once.")
        return replace(draft, starts_at=now.replace(microsecond=0))
    return draft


def own_errors(plan: Plan, *, takes_title: bool) -> list[FieldError]:
    """Return what Baton itself cannot take."""
    errors = []
    if plan.type is None:
        message = f"{plan.account.name} has no task type “{plan.task_input.type_code}”."
        if not plan.task_input.type_code.strip():
            message = "Choose a type."
        errors.append(FieldError("type_code", message))
    if not takes_title and len(plan.task_input.title.strip()) > LONGEST_TITLE:
        message = f"A title has at most {LONGEST_TITLE} characters."
        errors.append(FieldError("title", message))
    if len(plan.task_input.note) > LONGEST_NOTE:
        message = f"A text has at most {LONGEST_NOTE:,} characters."
        errors.append(FieldError("note", message))
    if plan.task_input.sharing.spread is not None and not plan.task_input.dated:
        message = "Choose the first day: the tasks are spread from there on."
        errors.append(FieldError("due_at", message))
    for name, value in plan.task_input.options.items():
        if len(str(value)) > LONGEST_OPTION:
            message = f"This has at most {LONGEST_OPTION:,} characters."
            errors.append(FieldError(name, message))
    return errors


def texts_of(given: TaskInput, *, rendered: bool) -> dict[str, str]:
    """Return the texts with variables by field; `rendered` = those the vendor fills in.

    The title is always filled in here.
    """
    options = {k: v for k, v in given.options.items() if isinstance(v, str)}
    return {"note": given.note, **options} if rendered else {"title": given.title}


def unknown_words(adapter: VendorAdapter, given: TaskInput) -> list[UnknownWord]:
    """Return what stands in double braces and Baton has no value for.

    What a vendor fills in by itself may be a field of the account's own: there it is
    a question, else it would reach everybody as it was written.
    """
    theirs = texts_of(given, rendered=True)
    ours = texts_of(given, rendered=False)
    found = []
    if not adapter.vendor_renders:
        ours, theirs = {**ours, **theirs}, {}
    for name, text in ours.items():
        for tag in filling.unknown_tags(text):
            better = filling.meant(tag.strip("{} ").split("|")[0], filling.OFFERED)
            found.append(UnknownWord(name, tag, better))
    for name, text in theirs.items():
        for word in unknown_variables(text):
            better = filling.meant(word, KNOWN_VARIABLES)
            found.append(UnknownWord(name, f"{{{{{word}}}}}", better, theirs=True))
    return found


def variable_errors(words: Sequence[UnknownWord]) -> list[FieldError]:
    """Return one error for each field with words that nobody fills in."""
    errors: dict[str, FieldError] = {}
    for word in words:
        if not word.theirs:
            errors.setdefault(word.field, FieldError(word.field, word.sentence))
    return list(errors.values())


def demanded(plan: Plan) -> list[str]:
    """Return a warning on the type's own fields that the vendor says it demands."""
    demands = plan.type.fields.get("mandatory") if plan.type else None
    if not isinstance(demands, list):
        return []
    given = str(dict(plan.task_input.options))
    own = [name for name in map(str, demands) if name.startswith("mx_")]
    missing = [name for name in own if name not in given]
    if not missing or plan.type is None:
        return []
    who = plan.adapter.name
    return [f"{who} says that “{plan.type.name}” needs {', '.join(missing)}."]


def vendor_errors(adapter: VendorAdapter, draft: TaskDraft) -> list[FieldError]:
    """Return what the vendor or our own columns would refuse."""
    errors = adapter.validate(draft)
    if len(draft.title) > LONGEST_TITLE and not any(e.field == "title" for e in errors):
        message = f"A title has at most {LONGEST_TITLE} characters."
        errors = [*errors, FieldError("title", message)]
    return errors


def filled(
    plan: Plan,
    template: TaskDraft,
    prospect: Prospect,
    external_id: str,
    fields: Mapping[str, FormField],
) -> TaskDraft:
    """Return this prospect's draft, with the variables that Baton fills in filled."""
    person: ProspectDraft = prospect.draft(external_id)
    note, options = template.note, template.options
    if not plan.adapter.vendor_renders:
        note = filling.fill(note, prospect)
        options = {
            name: filling.fill(value, prospect) if isinstance(value, str) else value
            for name, value in options.items()
        }
    title = filling.fill(template.title, prospect)
    if "title" not in fields:
        shown = title or default_title(plan, filling.fill(template.note, prospect))
        title = shown[:LONGEST_TITLE]
    return replace(
        template,
        ref=str(prospect.pk),
        prospect=person,
        title=title,
        note=note,
        options=options,
    )


def default_title(plan: Plan, note: str) -> str:
    """Return a title for Baton's lists where the vendor has none."""
    name = plan.type.name if plan.type else "Task"
    line = next((line.strip() for line in note.splitlines() if line.strip()), "")
    if len(line) > 80:
        line = f"{line[:79].rstrip()}…"
    return f"{name}: {line}" if line else name
