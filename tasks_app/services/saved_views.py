"""Named filters: private to their maker, or shared with the team by a lead."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from tasks_app.models import Membership, SavedView

LONGEST_NAME = 80
#: So many one person can keep; more than anybody can find again.
MOST = 100


class NotSaved(ValueError):
    """The view cannot be kept like this; the message says why."""


def views_for(membership: Membership) -> QuerySet[SavedView]:
    """Return one's own views of this team and those that others share with it."""
    return (
        SavedView.objects.filter(team_id=membership.team_id)
        .filter(Q(owner_id=membership.user_id) | Q(shared=True))
        .select_related("owner")
        .order_by("name", "pk")
    )


def changeable_views(membership: Membership) -> QuerySet[SavedView]:
    """Return the views this person may change: their own; a lead, all shared ones."""
    whose = Q(owner_id=membership.user_id)
    if membership.is_lead:
        whose |= Q(shared=True)
    return SavedView.objects.filter(whose, team_id=membership.team_id)


def may_change(membership: Membership, view: SavedView) -> bool:
    """Return whether a view that this person sees is one of those."""
    return view.owner_id == membership.user_id or (view.shared and membership.is_lead)


def save_view(
    membership: Membership,
    view: SavedView | None = None,
    *,
    name: str,
    query: str | None = None,
    shared: bool = False,
    pinned: bool = True,
) -> SavedView:
    """Keep a new view, or change one; raise `NotSaved` with a sentence."""
    name = " ".join(name.replace("\0", " ").split())
    if not name:
        raise NotSaved("Give the view a name.")
    if len(name) > LONGEST_NAME:
        raise NotSaved(f"A name has at most {LONGEST_NAME} characters.")
    if shared and not membership.is_lead:
        raise NotSaved("Only a team lead can share a view with the team.")
    view = view or SavedView(team_id=membership.team_id, owner_id=membership.user_id)
    others = SavedView.objects.filter(team_id=view.team_id, owner_id=view.owner_id)
    if view.pk is None and others.count() >= MOST:
        raise NotSaved(f"You have {MOST} views already. Delete one first.")
    if others.filter(name=name).exclude(pk=view.pk).exists():
        raise NotSaved(taken(membership, view))
    view.name, view.shared, view.pinned = name, shared, pinned
    if query is not None:
        view.query = query
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        raise NotSaved(taken(membership, view)) from None
    return view


def taken(membership: Membership, view: SavedView) -> str:
    mine = view.owner_id == membership.user_id
    who = "You have" if mine else "Its maker has"
    return f"{who} a view of this name already."
