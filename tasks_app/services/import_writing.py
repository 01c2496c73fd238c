"""Writes what an import found out, in bulk. Runs inside the caller's transaction."""

from __future__ import annotations

from django.utils import timezone

from tasks_app.models import Prospect, ProspectLink, Tag, Task, Team

from .foreign import link_prospects
from .import_person import FIELDS, Person
from .matching import chunks
from .prospects import refresh_task_texts

BATCH = 1000


def write_people(team: Team, people: list[Person]) -> None:
    """Write new and changed people with their tags and ids.

    The number of queries grows with the thousands of rows, not with the rows.
    """
    changed = [person for person in people if person.is_changed]
    write_prospects([person for person in changed if person.fields_changed])
    write_tags(team, changed)
    write_links(changed)


def write_prospects(people: list[Person]) -> None:
    renamed: list[int] = []
    new, known = [], []
    for person in people:
        prospect = person.prospect
        text = prospect.search_text
        prospect.fill_derived()
        if person.is_new:
            new.append(prospect)
            continue
        prospect.updated_at = timezone.now()
        known.append(prospect)
        if prospect.search_text != text:
            renamed.append(prospect.pk)
    Prospect.objects.bulk_create(new, batch_size=BATCH)
    # An upsert by primary key: one statement for many rows, unlike bulk_update.
    Prospect.objects.bulk_create(
        known,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[
            *FIELDS,
            "do_not_contact",
            "email_key",
            "owner_key",
            "search_text",
            "updated_at",
        ],
    )
    refresh_task_texts(renamed)


def write_tags(team: Team, people: list[Person]) -> None:
    wanted = {
        key: name
        for person in people
        for key, name in person.tags.items()
        if key not in person.tags_before
    }
    if not wanted:
        return
    known = {tag.name.casefold(): tag for tag in Tag.objects.filter(team=team)}
    missing = [
        Tag(team=team, name=name) for key, name in wanted.items() if key not in known
    ]
    for tag in Tag.objects.bulk_create(missing, batch_size=BATCH):
        known[tag.name.casefold()] = tag
    through = Prospect.tags.through
    through.objects.bulk_create(
        [
            through(prospect_id=person.prospect.pk, tag_id=known[key].pk)
            for person in people
            for key in person.tags
            if key not in person.tags_before
        ],
        batch_size=BATCH,
        ignore_conflicts=True,
    )


def write_links(people: list[Person]) -> None:
    """Replace changed ids. All old ones go first, so that two people can swap."""
    new: list[ProspectLink] = []
    gone: dict[int, list[int]] = {}
    for person in people:
        for account_id, external_id in person.links.items():
            before = person.links_before.get(account_id)
            if before == external_id:
                continue
            if before is not None:
                gone.setdefault(account_id, []).append(person.prospect.pk)
            new.append(
                ProspectLink(
                    prospect_id=person.prospect.pk,
                    account_id=account_id,
                    external_id=external_id,
                )
            )
    for account_id, pks in gone.items():
        for part in chunks(pks):
            ProspectLink.objects.filter(
                account_id=account_id, prospect_id__in=part
            ).delete()
    ProspectLink.objects.bulk_create(new, batch_size=BATCH)
    if new:
        accounts = {link.account_id for link in new}
        link_prospects(Task.objects.filter(account__in=accounts))
