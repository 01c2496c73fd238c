"""Accounts: how they stand, for everybody in the team; set-up is the admin site's."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from tasks_app.models import ConnectedAccount
from tasks_app.services.account_health import AccountHealth, healths
from tasks_app.services.syncing import request_sync

from .access import member_required
from .account_words import cards, hook_words
from .middleware import TeamRequest
from .vendor_matrix import columns, vendor_matrix

MOST_RUNS = 8
MOST_PEOPLE = 100


@require_GET
@member_required
@vary_on_headers("HX-Request")
def account_list(request: TeamRequest) -> HttpResponse:
    """Show every account of the team with its health."""
    assert request.team is not None  # noqa: S101 - every view here wants a member
    accounts = ConnectedAccount.objects.of_team(request.team)
    shown = healths(accounts, request.team)
    context = {
        "cards": cards(shown, request.team),
        "every": look_every(shown),
        "columns": columns(),
        "matrix": vendor_matrix(),
    }
    template = "accounts/list.html"
    if request.htmx and not request.htmx.history_restore_request:
        template += "#account-cards"
    return render(request, template, context)


@require_GET
@member_required
@vary_on_headers("HX-Request")
def account_detail(request: TeamRequest, account_id: int) -> HttpResponse:
    """Show one account: its health, what it offers, and its last readings."""
    assert request.team is not None  # noqa: S101
    accounts = ConnectedAccount.objects.of_team(request.team).filter(pk=account_id)
    account = get_object_or_404(accounts.defer("credentials"))
    shown = healths(accounts, request.team)
    context = {
        "account": account,
        "cards": cards(shown, request.team),
        "every": look_every(shown),
        "facts": [
            (row.label, row.cells[0]) for row in vendor_matrix((account.vendor,))
        ],
        "updates": hook_words(account),
        "types": account.task_types.filter(active=True),
        "people": account.vendor_users.filter(active=True).select_related("user")[
            :MOST_PEOPLE
        ],
        "runs": account.sync_runs.order_by("-pk")[:MOST_RUNS],
        "drifts": account.drifts.filter(fine=False)[:MOST_RUNS]
        if request.user.is_staff
        else [],
    }
    template = "accounts/detail.html"
    if request.htmx and not request.htmx.history_restore_request:
        template += "#account-answer"
    return render(request, template, context)


def look_every(shown: list[AccountHealth]) -> int:
    """Return seconds until the page looks again: soon while an account is being read."""
    return 3 if any(health.reading for health in shown) else 15


@require_POST
@member_required
def account_sync(request: TeamRequest, account_id: int) -> HttpResponse:
    """Ask for a reading of this account now."""
    assert request.team is not None  # noqa: S101
    accounts = ConnectedAccount.objects.of_team(request.team)
    account = get_object_or_404(accounts.defer("credentials"), pk=account_id)
    if account.state == ConnectedAccount.State.NEEDS_NEW_KEY:
        messages.warning(
            request, f"{account.name} needs a new key first. Nothing can be read."
        )
    else:
        request_sync(account)
        messages.success(request, f"{account.name} is read as soon as its rate allows.")
    back = request.POST.get("back", "")
    if back.startswith("/") and url_has_allowed_host_and_scheme(back, None):
        return redirect(back)
    if request.POST.get("next") == "today":
        return redirect("today")
    place = f"sync-{account.pk}"
    if request.POST.get("next") == "detail":
        return redirect(reverse("account-detail", args=[account.pk], fragment=place))
    return redirect(reverse("account-list", fragment=place))


@require_POST
@member_required
def account_sync_all(request: TeamRequest) -> HttpResponse:
    """Ask for a reading of every account of the team whose key is good."""
    assert request.team is not None  # noqa: S101
    accounts = ConnectedAccount.objects.of_team(request.team).defer("credentials")
    count = 0
    for account in accounts.exclude(state=ConnectedAccount.State.NEEDS_NEW_KEY):
        request_sync(account)
        count += 1
    if count:
        names = "1 account is" if count == 1 else f"{count} accounts are"
        messages.success(request, f"{names} read as soon as their rates allow.")
    else:
        messages.warning(request, "There is no account that can be read.")
    return redirect("account-list")
