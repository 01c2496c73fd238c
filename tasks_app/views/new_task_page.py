"""What the page for new tasks shows: the choice, the plan and its preview."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils.http import url_has_allowed_host_and_scheme

from tasks_app.forms.choosing import choice_from, token_from
from tasks_app.forms.prospect_filter import ProspectFilter
from tasks_app.forms.tasks import NewTaskForm
from tasks_app.models import (
    ConnectedAccount,
    FormDraft,
    Membership,
    Prospect,
    Tag,
    Task,
    Team,
)
from tasks_app.services import choosing, filling
from tasks_app.services.choosing import Choice, Chosen
from tasks_app.services.creating import Plan, prepare
from tasks_app.services.members import members_by_name
from tasks_app.services.plans import NOBODY
from tasks_app.services.queueing import duration, rate_words
from tasks_app.services.sharing import label
from tasks_app.services.spreading import day_of
from tasks_app.vendors.errors import VendorError

from .new_task_kept import Kept
from .request_words import Piece, json_pieces

CHIPS = 6
#: Of very many chosen prospects only the first are listed by name.
LISTED = 200


@dataclass
class Preview:
    """One prospect's task, as it will be sent."""

    prospect: Prospect
    number: int
    method: str
    path: str
    pieces: list[Piece]
    title: list[filling.Piece]
    message: list[filling.Piece]
    together: int  # tasks in the same call, this one included
    holder: str  # who gets it, '' for nobody yet
    day: date | None


@dataclass
class NewTaskPage:
    """Everything one answer needs. `plan` is None until a preview is asked for."""

    member: Membership
    team: Team
    user: User
    source: QueryDict
    accounts: list[ConnectedAccount]
    choice: Choice
    account: ConnectedAccount | None = None
    form: NewTaskForm | None = None
    chosen: Chosen = field(default_factory=Chosen)
    plan: Plan | None = None
    people_error: str = ""
    draft: FormDraft | None = None

    @classmethod
    def read(
        cls, member: Membership, user: User, source: QueryDict, *, kept: bool
    ) -> NewTaskPage:
        """Return the page for what was typed; `kept` passes no judgement on it."""
        team = member.team
        accounts = list(ConnectedAccount.objects.of_team(team).select_related("team"))
        page = cls(member, team, user, source, accounts, choice_from(source))
        wanted = source.get("account", "")
        by_pk = {str(account.pk): account for account in accounts}
        page.account = by_pk.get(wanted) or next(
            (a for a in accounts if a.state == ConnectedAccount.State.CONNECTED),
            accounts[0] if accounts else None,
        )
        if page.account is not None:
            page.form = NewTaskForm(
                page.account, source, kept=kept, user=user, known=accounts
            )
        return page

    def choose(self) -> None:
        self.chosen = choosing.chosen_by(self.team, self.choice, account=self.account)

    def make_plan(self) -> Plan | None:
        """Plan with what was typed so far; the form must be bound for its values."""
        self.choose()
        if self.form is None or self.account is None:
            return None
        self.form.is_valid()
        self.plan = prepare(
            account=self.account,
            task_input=self.form.task_input(),
            prospects=self.chosen.prospects,
            unknown=self.chosen.unknown,
        )
        self.plan.notices[:0] = self.form.notes
        self.plan.losses = list(dict.fromkeys(self.form.losses + self.plan.losses))
        return self.plan

    def refuse(self) -> bool:
        """Put what is wrong beside its field; return whether anything is."""
        if self.form is None or self.plan is None:
            return True
        self.form.take_errors(self.plan)
        if self.form.switched:
            # Without JavaScript the account changed, but not yet its fields.
            self.form.add_error(
                None,
                f"These are now the fields of {self.form.account.name}. Look at them, "
                "then create the tasks.",
            )
        self.ask_about_words()
        if self.gone_words:
            self.people_error = self.gone_words
        elif self.chosen.errors:
            self.people_error = self.chosen.errors[0].message
        elif not self.plan.chosen:
            self.people_error = "Choose at least one prospect."
        elif not self.plan.errors and self.undecided:
            self.people_error = (
                f"{self.plan.open_sentence} Leave them out, or create all the same."
            )
        elif not self.plan.errors and not self.plan.items:
            self.people_error = (
                "None of the chosen prospects can get this task. The list below says "
                "why, and how to mend it."
            )
        return bool(self.form.errors or self.people_error)

    def ask_about_words(self) -> None:
        """Ask once about words that only the vendor may know; then they are sent."""
        assert self.form and self.plan  # noqa: S101 - `refuse` has seen to it
        if self.source.get("words_seen") == self.theirs:
            return
        for word in self.plan.unknown:
            name = word.field if word.field in self.form.fields else f"o_{word.field}"
            if word.theirs and name not in self.form.errors:
                end = (
                    f"If {self.form.adapter.name} fills it in, press Create again: "
                    "it is sent as it stands."
                )
                self.form.add_error(name, f"{word.sentence} {end}")

    @property
    def theirs(self) -> str:
        """Return the words that only the vendor may know, for the form to carry."""
        words = [w.written for w in self.plan.unknown if w.theirs] if self.plan else []
        return " ".join(words)

    @property
    def undecided(self) -> bool:
        """Return whether somebody has to say first what is with the open tasks.

        Who wanted them all the same saw so many; if there are more now, it is asked
        again.
        """
        found = self.plan.open_people if self.plan else 0
        if not found or self.open_choice == "leave":
            return False
        seen = self.source.get("open_seen", "")
        known = int(seen) if seen.isdecimal() and len(seen) < 9 else 0
        return self.open_choice != "create" or found > known

    @property
    def open_choice(self) -> str:
        """Return "leave", "create" or '' for open tasks of the same kind."""
        choice = self.source.get("open", "")
        return choice if choice in ("leave", "create") else ""

    # -- for the templates -------------------------------------------------------------

    @property
    def leads_to(self) -> str:
        """Return the page of ours to show once the tasks are created, '' for theirs."""
        address = self.source.get("next", "")
        ours = url_has_allowed_host_and_scheme(address, None)
        return address if ours and address.startswith("/") else ""

    @property
    def how(self) -> str:
        return self.choice.how

    @property
    def chips(self) -> list[Prospect]:
        return self.chosen.prospects[:CHIPS]

    @property
    def listed(self) -> list[Prospect]:
        return self.chosen.prospects[CHIPS:LISTED]

    @property
    def unlisted(self) -> list[Prospect]:
        return self.chosen.prospects[LISTED:]

    @property
    def more(self) -> int:
        return max(0, len(self.chosen.prospects) - CHIPS)

    @property
    def found(self) -> list[Prospect]:
        return choosing.search(self.team, self.source.get("q", ""))

    @property
    def chosen_ids(self) -> set[int]:
        return set(self.choice.ids)

    @cached_property
    def tags(self) -> list[str]:
        return list(Tag.objects.filter(team=self.team).values_list("name", flat=True))

    @property
    def filter_selects(self) -> list[tuple[str, str, str, dict[str, str], str]]:
        """Return (name, label, word for any, choices, chosen) as in the list."""
        asked = self.choice.filter
        offered = ProspectFilter(
            QueryDict(),
            self.team,
            self.accounts,
            (),
            Task.objects.none(),
            members_by_name(self.team),
        )
        return [
            ("known", "Known to", "Any or none", offered.known_choices, asked.known),
            ("contact", "Contact", "Everybody", offered.contact_choices, asked.contact),
            ("reach", "Reached by", "Any way", offered.reach_choices, asked.reach),
            ("work", "Tasks", "Any or none", offered.work_choices, asked.work),
            ("owner", "Owner", "Anybody or none", offered.owner_choices, asked.owner),
        ]

    @cached_property
    def gone(self) -> dict[str, tuple[str, str]]:
        """Return what the filter asks for and is no more, by its name: (choice, sentence).

        It is kept as it was asked for, and matches nobody: without it all would match.
        """
        asked, gone = self.choice.filter, {}
        if asked.tag and asked.tag not in self.tags:
            sentence = f"The tag “{asked.tag}” does not exist any more."
            gone["tag"] = (f"“{asked.tag}”, which is gone", sentence)
        words = {
            "known": ("An account that is gone", "That account is not connected here."),
            "owner": (
                "Somebody who is gone",
                "That owner is not in the team any more.",
            ),
        }
        for name, _, _, choices, value in self.filter_selects:
            if value and value not in choices:
                unknown = (f"“{value}”", f"“{value}” is no choice here.")
                gone[name] = words.get(name, unknown)
        return gone

    @property
    def gone_words(self) -> str:
        """Return why nobody matches and the way out, '' where all of it exists."""
        if not self.gone or self.how != "filter":
            return ""
        sentences = " ".join(sentence for _, sentence in self.gone.values())
        return f"{sentences} So nobody matches. Choose something else in its place."

    @property
    def variables(self) -> tuple[str, ...]:
        return filling.OFFERED

    @cached_property
    def token(self) -> uuid.UUID:
        return token_from(self.source)

    @cached_property
    def kept(self) -> Kept:
        return Kept(self.member, self.source, self.token, opened=self.draft)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Return (id of the field, sentence) of everything that is to be mended."""
        people = [("prospects", self.people_error)] if self.people_error else []
        return people + (self.form.problems if self.form else [])

    @property
    def waits(self) -> str:
        """Return why tasks will wait in this account's queue, '' when they will not."""
        account, state = self.account, ConnectedAccount.State
        if account is None:
            return ""
        if account.state == state.PAUSED:
            return (
                f"{account.name} is paused. Tasks wait in its queue until it goes on."
            )
        if account.state == state.NEEDS_NEW_KEY:
            return (
                f"{account.name} needs a new key. Tasks wait in its queue until an "
                "administrator has entered one."
            )
        if account.state == state.TROUBLE:
            return (
                f"{account.name} is in trouble: {account.state_reason} Tasks wait in "
                "its queue until it answers again."
            )
        return ""

    @property
    def rate(self) -> str:
        return rate_words(self.account) if self.account else ""

    @property
    def takes(self) -> str:
        return duration(self.plan.seconds) if self.plan else ""

    @property
    def for_whom(self) -> str:
        """Return ", for Elin Berg" or the like; '' while nobody holds the tasks."""
        shares = self.plan.shares if self.plan else None
        if shares is None:
            return ""
        people = [name for name, _ in shares.people if name != NOBODY]
        if not people:
            return ""
        days = [day for day, _, _ in shares.rows if day]
        until = f", until {days[-1].day} {days[-1]:%B}" if days[1:] else ""
        more = f"{len(people)} people" if people[1:] else people[0]
        return f", for {more}{until}"

    @property
    def preview(self) -> Preview | None:
        """Return the prospect that is looked at just now, None without a plan."""
        plan = self.plan
        if plan is None or plan.errors or not plan.items or self.form is None:
            return None
        number = min(max(self.wanted(), 1), plan.ready)
        item = plan.items[number - 1]
        try:
            part = plan.part_for(item.prospect)
            request = plan.adapter.create_request(part)
        except VendorError:
            return None
        given = plan.task_input
        title = "" if self.form.fields["title"].local else given.title  # type: ignore[attr-defined]
        return Preview(
            prospect=item.prospect,
            number=number,
            method=request.method,
            path=plan.path_of(request),
            pieces=json_pieces(request.json, about=item.draft.prospect.external_id),
            title=filling.pieces_of(title, item.prospect),
            message=filling.pieces_of(given.note.strip(), item.prospect),
            together=len(part),
            holder="" if label(item.holder) == NOBODY else label(item.holder),
            day=day_of(item.draft, self.team.zone),
        )

    def wanted(self) -> int:
        """Return the number of the prospect to show, as asked for."""
        text = self.source.get("go") or self.source.get("at") or "1"
        return int(text) if text.isdecimal() and len(text) < 7 else 1

    def context(self, **more: Any) -> dict[str, Any]:
        return {"page": self, "form": self.form, "plan": self.plan, **more}
