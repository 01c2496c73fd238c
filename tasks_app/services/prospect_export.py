"""Prospects as CSV that an import takes back unchanged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db.models import Prefetch

from tasks_app.models import ConnectedAccount, ProspectLink
from tasks_app.models.prospects import ProspectQuerySet

from .csv_writing import csv_lines

HEADINGS = (
    "First Name",
    "Last Name",
    "Title",
    "Company",
    "Email",
    "Phone",
    "LinkedIn",
    "Time Zone",
    "Owner",
    "Tags",
    "Do Not Contact",
)
ROWS_AT_ONCE = 1000


def prospect_lines(
    prospects: ProspectQuerySet, accounts: Iterable[ConnectedAccount]
) -> Iterator[str]:
    """Yield the lines of the file; each account has a column of ids."""
    accounts = list(accounts)
    links = ProspectLink.objects.filter(account__in=accounts)
    rows = prospects.prefetch_related("tags", Prefetch("links", links))

    def lines() -> Iterator[list[str]]:
        yield [*HEADINGS, *(f"id:{account.name}" for account in accounts)]
        for prospect in rows.iterator(chunk_size=ROWS_AT_ONCE):
            ids = {link.account_id: link.external_id for link in prospect.links.all()}
            yield [
                prospect.first_name,
                prospect.last_name,
                prospect.title,
                prospect.company,
                prospect.email,
                prospect.phone,
                prospect.linkedin_url,
                prospect.time_zone,
                prospect.owner,
                "; ".join(tag.name for tag in prospect.tags.all()),
                "yes" if prospect.do_not_contact else "",
                *(ids.get(account.pk, "") for account in accounts),
            ]

    return csv_lines(lines())
