"""Pages of a long list: counted up to a limit, and read by their ids first."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from tasks_app.services.counting import MOST, count_each, count_words
from tasks_app.services.leafing import Part

PAGE_SIZE = 50


class Pages(Paginator):  # type: ignore[type-arg]  # generic in its stubs alone
    """Pages over the first `most` rows of a list.

    `total` is `most + 1` where there are more: nobody reads page 201, and neither
    counting nor leafing then costs more than that. `found` holds the rows in their
    order. Where `rows` holds the same ones with all that is shown, the ids of a page
    are read first: an index alone finds them, whatever else a row has to fetch. In
    `part` the total and the ids of one page are known already.
    """

    def __init__(
        self,
        found: QuerySet[Any],
        rows: QuerySet[Any] | None = None,
        *,
        part: Part | None = None,
        most: int | None = None,
        size: int = PAGE_SIZE,
    ) -> None:
        super().__init__(found, size)
        self.found = found
        self.rows = rows
        self.most = MOST if most is None else most
        self.part = part or Part(0, count_each({"all": found}, self.most)["all"])
        self.total = self.part.total
        self.count = min(self.total, self.most)

    @property
    def goes_on(self) -> bool:
        """Whether there are rows behind the last page."""
        return self.total > self.most

    @property
    def words(self) -> str:
        """Return the total in words: "412" or "10,000+"."""
        return count_words(self.total, self.most)

    def page(self, number: int | str) -> Page[Any]:
        """Return this page; raise `InvalidPage` where there is none."""
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        last = min(first + self.per_page, self.count)
        if not self.count:
            return Page([], number, self)
        if self.rows is None:
            return Page(list(self.found[first:last]), number, self)
        if number == self.part.page:
            ids = self.part.ids
        else:
            ids = list(self.found.values_list("pk", flat=True)[first:last])
        rows = {row.pk: row for row in self.rows.filter(pk__in=ids).order_by()}
        return Page([rows[pk] for pk in ids if pk in rows], number, self)
