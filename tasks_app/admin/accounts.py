"""Connections to vendors: set up here, by staff alone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.timezone import localtime

from tasks_app.forms.accounts import AccountForm, account_form
from tasks_app.models import ConnectedAccount, Drift, Push
from tasks_app.services import accounts as service
from tasks_app.services import hooks
from tasks_app.vendors import ADAPTERS

from .account_buttons import AccountButtons
from .rights import staff

State = ConnectedAccount.State
SHOWN_STATE = ("shown_state", "tested", "queue", "synced_at", "directory")


class DriftInline(admin.TabularInline):  # type: ignore[type-arg]
    """What this vendor answers otherwise than it used to; nothing breaks by it."""

    model = Drift
    verbose_name_plural = "unknown answers"
    extra = 0
    can_delete = False
    fields = ("what", "count", "first_seen", "last_seen", "shown_sample", "fine")
    readonly_fields = ("what", "count", "first_seen", "last_seen", "shown_sample")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Drift]:
        rows: QuerySet[Drift] = super().get_queryset(request)
        return rows.order_by("fine", "-last_seen", "pk")

    @admin.display(description="what")
    def what(self, drift: Drift) -> str:
        return f"{drift.kind}: {drift.detail}"

    @admin.display(description="answer without its values")
    def shown_sample(self, drift: Drift) -> str:
        if not drift.sample:
            return "–"
        return format_html(
            "<details><summary>Show</summary><pre>{}</pre></details>", drift.sample
        )


#: How a webhook stands, by `hook_state`.
HOOK_SENTENCES = {
    "on": "{vendor} posts to it.",
    "off": "{vendor} has switched it off after failures, or somebody did. Statuses come "
    "with each reading. Switch it on again in {vendor}.",
    "gone": "{vendor} does not know it any more. Statuses come with each reading. Set it "
    "up again in {vendor}.",
    "none": "no webhook of {vendor} posts to it.",
}


@admin.register(ConnectedAccount)
class ConnectedAccountAdmin(AccountButtons):
    """Keys go in and never come out; nothing is deleted, only disconnected."""

    list_display = (
        *("name", "team", "vendor", "shown_state", "tested", "synced_at"),
        "unknown",
    )
    inlines = (DriftInline,)
    list_filter = ("vendor", "state", "team")
    list_select_related = ("team",)
    search_fields = ("name",)
    actions = None
    save_on_top = False
    change_form_template = "admin/baton/connectedaccount/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConnectedAccount]:
        rows: QuerySet[ConnectedAccount] = super().get_queryset(request)
        news = Count("drifts", filter=Q(drifts__fine=False))
        return rows.filter(deleted_at=None).annotate(drift_news=news)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        # Most accounts have nothing to show there.
        return self.inlines if obj is not None and obj.drifts.exists() else ()

    # -- what is shown -----------------------------------------------------------------

    @admin.display(description="state", ordering="state")
    def shown_state(self, account: ConnectedAccount) -> str:
        if account.state == State.CONNECTED:
            return "Connected" if account.checked_at else "Not tested yet"
        since = timesince(account.state_since).split(",")[0]
        return f"{account.get_state_display()}, for {since}. {account.state_reason}"

    @admin.display(description="key accepted", ordering="checked_at")
    def tested(self, account: ConnectedAccount) -> str | None:
        at = account.checked_at
        return localize(localtime(at)) if at else None

    @admin.display(description="unknown answers", ordering="drift_news")
    def unknown(self, account: Any) -> int:
        return int(account.drift_news)

    @admin.display(description="vendor")
    def shown_vendor(self, account: ConnectedAccount) -> str:
        return account.adapter_class.name

    @admin.display(description="queue")
    def queue(self, account: ConnectedAccount) -> str:
        waiting = account.pushes.filter(state=Push.State.QUEUED).count()
        unclear = account.pushes.filter(state=Push.State.NEEDS_CHECK).count()
        return f"{waiting} waiting, {unclear} needs check"

    @admin.display(description="people and types")
    def directory(self, account: ConnectedAccount) -> str:
        """When they were read, and why not since."""
        vendor = account.adapter_class
        read = [
            f"{what} read {localize(localtime(at))}" if at else f"{what} never read"
            for what, at, listed in (
                ("People", account.users_read_at, vendor.lists_people),
                ("types", account.types_read_at, vendor.fixed_types is None),
            )
            if listed
        ]
        if not read:
            return (
                f"{vendor.name} has no call that lists people. Baton learns their "
                "numbers from the tasks they hold; enter others under Vendor users."
            )
        failed = account.directory_error
        return ", ".join(read) + (f". Last try: {failed}" if failed else "")

    @admin.display(description="webhook address")
    def hook(self, account: ConnectedAccount) -> str:
        """The address without its secret."""
        url = hooks.url_for(account)
        if not url:
            return "None: PUBLIC_URL is not set, so no vendor can reach Baton."
        address = url.replace(account.hook_token, "…")
        vendor = account.adapter_class.name
        if not account.adapter_class.lists_hooks:
            return f"{address} – {vendor} sends no webhooks about tasks."
        if not account.hook_state or account.hook_checked_at is None:
            return f"{address} – not asked yet whether {vendor} posts to it."
        at = localize(localtime(account.hook_checked_at))
        said = HOOK_SENTENCES[account.hook_state].format(vendor=vendor)
        return f"{address} – {said} (asked {at})"

    # -- the form ----------------------------------------------------------------------

    def vendor_of(self, request: HttpRequest, obj: ConnectedAccount | None) -> str:
        vendor = obj.vendor if obj else request.GET.get("vendor", "")
        if vendor not in ADAPTERS:
            raise Http404("There is no such vendor.")
        return vendor

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[AccountForm]:
        form = account_form(self.vendor_of(request, obj))
        if obj is None:
            return form
        # Who belongs to which team is settled when it is connected.
        without_team = type("Meta", (AccountForm.Meta,), {"exclude": ("team",)})
        return type(form.__name__, (form,), {"Meta": without_team, "team": None})

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        return ("team", "shown_vendor", *SHOWN_STATE, "hook")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        adapter = ADAPTERS[self.vendor_of(request, obj)]
        keys = [f"credential_{key}" for key, _ in adapter.credential_fields]
        settings = [f"setting_{setting.name}" for setting in adapter.settings_fields]
        state = [] if obj is None else [("State", {"fields": SHOWN_STATE})]
        first = ("team", "name") if obj is None else ("name", "team", "shown_vendor")
        return [
            *state,
            (None, {"fields": (*first, "address", "base_url")}),
            ("Keys", {"fields": keys, "description": "Kept encrypted, never shown."}),
            ("Sending", {"fields": ("rate", "reference_marker")}),
            (
                "Reading",
                {"fields": ("bring_in",) if obj is None else ("bring_in", "hook")},
            ),
            *([(f"{adapter.name}'s own", {"fields": settings})] if settings else []),
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if "vendor" in request.GET:
            once = {"show_save_and_add_another": False, **(extra_context or {})}
            return super().add_view(request, form_url, once)
        if not self.has_add_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "Connect an account",
            "opts": self.opts,
            "vendors": [(slug, adapter.name) for slug, adapter in ADAPTERS.items()],
        }
        template = "admin/baton/connectedaccount/choose_vendor.html"
        return TemplateResponse(request, template, context)

    def save_model(
        self, request: HttpRequest, obj: ConnectedAccount, form: Any, change: bool
    ) -> None:
        account, _ = service.connect_account(**form.entry(), by=staff(request))
        obj.pk = account.pk
        obj.refresh_from_db()

    def response_add(
        self, request: HttpRequest, obj: ConnectedAccount, post_url_continue: Any = None
    ) -> HttpResponse:
        text = f"{obj.name} is saved. Test the connection now."
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(self.url_of(obj))
