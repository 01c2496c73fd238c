"""The part of the form that shares tasks out: to whom, and how many on a day."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import QueryDict

from tasks_app.models import ConnectedAccount
from tasks_app.services import assigning
from tasks_app.services.plans import Sharing
from tasks_app.services.spreading import MOST_PER_DAY, Spread

WAYS = (
    ("one", "One person"),
    ("turn", "Several in turn"),
    ("owner", "Each prospect's owner"),
)
DAYS = (("same", "The same for all"), ("spread", "Spread over working days"))


class SharingPart:
    """What was typed about it. `errors` are (field, sentence); `read` fills them."""

    def __init__(
        self,
        account: ConnectedAccount,
        source: QueryDict,
        people: Sequence[tuple[str, str]],
    ) -> None:
        self.account = account
        self.ways, self.day_choices, self.people = WAYS, DAYS, people
        way = source.get("share", "")
        self.way = way if way in dict(WAYS) else "one"
        self.chosen = list(dict.fromkeys(source.getlist("assignees")))
        self.ownerless = source.get("ownerless", "")
        self.spreads = source.get("days") == "spread"
        self.per_day = source.get("spread_per_day", "").strip()
        self.each = source.get("spread_each") == "each"
        self.errors: list[tuple[str, str]] = []

    def read(self) -> Sharing:
        people = []
        for value in self.chosen if self.way == "turn" else ():
            person = assigning.assignee_of(self.account, value)
            if person is None:
                self.errors.append(("assignees", "Choose people of the list."))
            else:
                people.append(person)
        return Sharing(
            way=self.way,
            people=tuple(people),
            nobody_too=self.way == "owner" and self.ownerless == "nobody",
            spread=self._spread() if self.spreads else None,
        )

    def _spread(self) -> Spread | None:
        text = self.per_day.replace(",", "")
        number = int(text) if text.isdecimal() and len(text) < 9 else 0
        if not 1 <= number <= MOST_PER_DAY:
            sentence = f"Write a whole number from 1 to {MOST_PER_DAY:,}."
            self.errors.append(("spread_per_day", sentence))
            return None
        return Spread(number, each=self.each)
