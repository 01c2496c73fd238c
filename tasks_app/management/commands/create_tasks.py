"""Create tasks for many prospects, as the form does."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from tasks_app.management.operator import (
    OperatorCommand,
    Values,
    accounts_named,
    add_list,
)
from tasks_app.management.task_arguments import (
    Times,
    option_values,
    people_of_file,
    times_of,
)
from tasks_app.management.task_sharing import share_lines, shared
from tasks_app.models import ConnectedAccount, Prospect, TaskType
from tasks_app.services.accounts import read_types
from tasks_app.services.creating import Plan, TaskInput, create_tasks, prepare
from tasks_app.services.pacing import Saturated
from tasks_app.services.reaching import LeftOut
from tasks_app.services.transport import default_transport
from tasks_app.services.writing import find_type
from tasks_app.vendors.errors import VendorError
from tasks_app.vendors.offers import FormField
from tasks_app.vendors.words import Priority

PRIORITIES = [priority.name.lower() for priority in sorted(Priority, reverse=True)]
#: What a sentence about a field is about, on the command line.
ARGUMENTS = {
    "type_code": "--type",
    "starts_at": "--starts",
    "due_at": "--due",
    "due_on": "--due",
    "assignees": "--assignee",
    **{name: f"--{name}" for name in ("title", "note", "priority", "assignee")},
}


class Command(OperatorCommand):
    help = (
        "Create a task for each prospect and queue them. Prints the number of the "
        "batch; who is left out is named on standard error."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--account", required=True, metavar="NAME")
        add("--team", metavar="TEAM", help="if several teams have such an account")
        add("--type", required=True, metavar="CODE", help="a code or name of a type")
        add(
            "--prospects",
            required=True,
            metavar="FILE.csv|all",
            help="a file with a column of e-mail addresses, or everybody of the team",
        )
        add("--title", default="")
        add("--note", default="", help="variables: {{firstName}} and the like")
        add("--priority", choices=PRIORITIES)
        add("--starts", metavar="TIME", help="2026-07-16 or 2026-07-16T09:00")
        add("--due", metavar="TIME", help="times without an offset: the team's zone")
        add("--ends", metavar="TIME")
        add(
            "--assignee",
            metavar="PERSON[,PERSON…]|owner",
            help="an e-mail address or the vendor's id; several take turns; owner: "
            "each prospect's own, and who has none is left out",
        )
        add(
            "--spread",
            metavar="N/day",
            help="so many on each working day, from the day of --due (--starts) on; "
            "N/day/person counts for each person",
        )
        add(
            "--skip-open",
            action="store_true",
            help="leave out who has an open task of this kind in any account",
        )
        add_list(parser, "--option", "KEY=VALUE", "any other field of this vendor")
        add("--dry-run", action="store_true", help="print the calls, change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["account"].strip():
            raise CommandError("Name an account with --account.")
        account = accounts_named(options["account"], options["team"])[0]
        made_up = unknown_type(account, options["type"])
        with transaction.atomic():
            if made_up:
                code = options["type"].strip()[:200]
                TaskType.objects.create(account=account, code=code, name=code)
            plan = plan_for(account, options)
            if options["dry_run"]:
                transaction.set_rollback(True)
        if plan.errors:
            raise CommandError(" ".join(sentences(plan)))
        if not plan.items:
            raise CommandError(nobody(plan))
        self.say(plan)
        if options["dry_run"]:
            self.show(plan)
            return
        batch = create_tasks(plan, by=None, form_token=uuid.uuid4())
        tasks = "1 task" if plan.ready == 1 else f"{plan.ready} tasks"
        self.stdout.write(f"Batch {batch.pk}: {tasks}.")

    def say(self, plan: Plan) -> None:
        """Name on standard error who is left out and what is worth knowing."""
        known = [plan.open_sentence] if plan.open_sentence else []
        for sentence in [*plan.notices, *plan.losses, *plan.warnings, *known]:
            self.stderr.write(f"Note: {sentence}")
        for line in share_lines(plan):
            self.stderr.write(line)
        for left in plan.left_out:
            who = f"{left.name} <{left.email}>" if left.email else left.name
            self.stderr.write(f"Left out: {who}: {left.reason} {left.mend}".rstrip())

    def show(self, plan: Plan) -> None:
        """Print the exact calls, one JSON object a line, without the keys."""
        for request in plan.requests():
            call: dict[str, Any] = {
                "method": request.method,
                "path": plan.path_of(request),
            }
            if request.query:
                call["query"] = dict(request.query)
            call["body"] = request.json
            self.stdout.write(json.dumps(call, ensure_ascii=False))


def plan_for(account: ConnectedAccount, options: dict[str, Any]) -> Plan:
    """Return the plan for what was given; raise `CommandError`."""
    adapter = account.adapter()
    task_type = find_type(account, adapter, options["type"])
    type_code = task_type.code if task_type else options["type"]
    fields = {field.name: field for field in adapter.fields(type_code)}
    times: Times = times_of(
        account, starts=options["starts"], due=options["due"], ends=options["ends"]
    )
    given = Values().pairs(options["option"], "--option")
    task_input = TaskInput(
        type_code=type_code,
        title=options["title"],
        note=options["note"],
        priority=priority_of(options["priority"], fields),
        starts_at=times.starts_at,
        due_at=times.due_at,
        due_on=times.due_on,
        assignee=None,
        options=option_values(adapter, fields, given),
        skip_open=options["skip_open"],
    )
    task_input = shared(account, task_input, options, fields)
    if options["prospects"] == "all":
        found: list[Prospect] = list(Prospect.objects.of_team(account.team))
        unknown: list[LeftOut] = []
        if not found:
            raise CommandError(f"The team {account.team} has no prospects yet.")
    else:
        found, unknown = people_of_file(account, options["prospects"])
    plan = prepare(
        account=account, task_input=task_input, prospects=found, unknown=unknown
    )
    plan.notices[:0] = times.notes
    return plan


def unknown_type(account: ConnectedAccount, code: str) -> bool:
    """Return whether this type has to be taken as it was written.

    An account with types of its own is asked for them first. Only where that fails,
    and never worked before, the name is taken at its word.
    """
    adapter = account.adapter()
    if adapter.fixed_types is not None or find_type(account, adapter, code):
        return False
    try:
        read_types(account, transport=default_transport())
    except (VendorError, Saturated):
        return account.types_read_at is None and bool(code.strip())
    return False


def priority_of(word: str | None, fields: dict[str, FormField]) -> Priority:
    """Return the priority; without a word the vendor's own default, else none."""
    if word is not None:
        return Priority[word.upper()]
    default = fields["priority"].default if "priority" in fields else ""
    return Priority(int(default)) if default.isdecimal() else Priority.NONE


def sentences(plan: Plan) -> list[str]:
    """Return the errors, each with the argument it is about."""
    found = []
    for error in plan.errors:
        argument = ARGUMENTS.get(error.field, f"--option {error.field}")
        found.append(f"{argument}: {error.message}" if error.field else error.message)
    return found


def nobody(plan: Plan) -> str:
    """Return why there is no task to create."""
    if not plan.left_out:
        return "Nothing was created: no prospect is named."
    first = plan.left_out[0]
    who = "the only prospect is" if plan.chosen == 1 else f"all {plan.chosen} are"
    return f"Nothing was created: {who} left out. {first.name}: {first.reason}"
