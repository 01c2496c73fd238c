"""The buttons on an account's page in the admin site."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from tasks_app.models import ConnectedAccount, Push
from tasks_app.services import accounts as service
from tasks_app.services import directory, hooks
from tasks_app.services.pacing import Saturated
from tasks_app.services.transport import default_transport
from tasks_app.vendors.errors import VendorError

from .rights import staff

Do = Callable[[HttpRequest, ConnectedAccount], None]


class AccountButtons(admin.ModelAdmin):  # type: ignore[type-arg]
    """What can be done to an account: each is a POST and stands in its log."""

    def get_urls(self) -> list[URLPattern]:
        doings: dict[str, Do] = {
            "test": self.test,
            "pause": self.pause,
            "resume": self.resume,
            "read": self.read,
        }
        urls = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(self.button(do)),
                name=f"baton_connectedaccount_{name}",
            )
            for name, do in doings.items()
        ]
        leave = path(
            "<int:pk>/disconnect/",
            self.admin_site.admin_view(self.disconnect),
            name="baton_connectedaccount_disconnect",
        )
        hook = path(
            "<int:pk>/webhook/",
            self.admin_site.admin_view(require_POST(self.show_hook)),
            name="baton_connectedaccount_webhook",
        )
        return [*urls, leave, hook, *super().get_urls()]

    def url_of(self, account: ConnectedAccount) -> str:
        return reverse("admin:baton_connectedaccount_change", args=[account.pk])

    def mine(self, request: HttpRequest, pk: int) -> ConnectedAccount:
        """Return the account this person may change; raise 403 or 404."""
        rows: QuerySet[ConnectedAccount] = self.get_queryset(request)
        account = rows.filter(pk=pk).first()
        if not self.has_change_permission(request, account):
            raise PermissionDenied
        if account is None:
            raise Http404("There is no such account.")
        return account

    def button(self, do: Do) -> Callable[..., HttpResponse]:
        @require_POST
        def view(request: HttpRequest, pk: int) -> HttpResponse:
            account = self.mine(request, pk)
            do(request, account)
            return HttpResponseRedirect(self.url_of(account))

        return view

    def say(
        self, request: HttpRequest, account: ConnectedAccount, text: str, *, ok: bool
    ) -> None:
        """Show what happened and keep it in the account's log."""
        self.log_change(request, account, text)
        level = messages.SUCCESS if ok else messages.ERROR
        self.message_user(request, text, level)

    def test(self, request: HttpRequest, account: ConnectedAccount) -> None:
        answer = service.check_connection(
            account, transport=default_transport(), by=staff(request)
        )
        self.say(request, account, answer.sentence, ok=answer.ok)
        if answer.ok and account.users_read_at is None:
            self.read(request, account)

    def pause(self, request: HttpRequest, account: ConnectedAccount) -> None:
        service.pause(account, staff(request))
        self.say(request, account, f"{account.name} is paused.", ok=True)

    def resume(self, request: HttpRequest, account: ConnectedAccount) -> None:
        if service.resume(account, staff(request)):
            self.say(request, account, f"{account.name} goes on.", ok=True)
        else:
            self.message_user(request, "It was not paused.", messages.WARNING)

    def read(self, request: HttpRequest, account: ConnectedAccount) -> None:
        transport = default_transport()
        try:
            types, users = directory.read_now(account, transport=transport)
        except (VendorError, Saturated) as error:
            self.say(request, account, f"Not read: {error}", ok=False)
            return
        people = f"{users} people" if users else "no people, enter them by hand"
        text = f"{account.adapter_class.name} lists {types} task types and {people}."
        self.say(request, account, text, ok=True)

    def show_hook(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the whole webhook address, a new one if asked; the log says so."""
        account = self.mine(request, pk)
        if "renew" in request.POST:
            hooks.renew_token(account)
            self.log_change(request, account, "Made a new webhook address.")
        elif "end" in request.POST:
            hooks.end_old_token(account)
            self.log_change(request, account, "Ended the old webhook address.")
        else:
            self.log_change(request, account, "Looked at the webhook address.")
        context = {
            **self.admin_site.each_context(request),
            "title": f"Webhook address of {account.name}",
            "opts": self.opts,
            "account": account,
            "url": hooks.url_for(account),
        }
        template = "admin/baton/connectedaccount/webhook.html"
        return TemplateResponse(request, template, context)

    def disconnect(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask first (GET), then do it (POST)."""
        account = self.mine(request, pk)
        if request.method == "POST":
            withdrawn = service.disconnect(account, staff(request))
            text = (
                f"{account.name} is disconnected. {withdrawn} waiting tasks withdrawn."
            )
            self.say(request, account, text, ok=True)
            changelist = reverse("admin:baton_connectedaccount_changelist")
            return HttpResponseRedirect(changelist)
        waiting = account.pushes.filter(state=Push.State.QUEUED).count()
        context = {
            **self.admin_site.each_context(request),
            "title": f"Disconnect {account.name}",
            "opts": self.opts,
            "account": account,
            "waiting": waiting,
        }
        template = "admin/baton/connectedaccount/disconnect.html"
        return TemplateResponse(request, template, context)
