"""Where vendors post what happened. Nobody signs in here: a secret decides.

The secret stands in the path, so no answer of this view is logged with it.
"""

from __future__ import annotations

import logging
import time

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from tasks_app.services import hook_receiving as receiving
from tasks_app.services.hook_receiving import Fate

log = logging.getLogger(__name__)

HEADER = "X-Baton-Token"
#: Bytes read between two looks at the clock.
STEP = 4096


class TooLarge(Exception):
    """More than `LARGEST` bytes."""


class TooSlow(Exception):
    """Not whole within `SLOWEST` seconds."""


@csrf_exempt
@login_not_required
def hook(request: HttpRequest, account_id: int, token: str = "") -> HttpResponse:
    """Keep a post and say so; GET and HEAD tell a vendor that the address is right."""
    response = respond(request, account_id, token or request.headers.get(HEADER, ""))
    # Django would log the path of every answer from 400 on.
    response._has_been_logged = True  # type: ignore[attr-defined]
    response["Cache-Control"] = "no-store"
    return response


def respond(request: HttpRequest, account_id: int, token: str) -> HttpResponse:
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD, POST"})
    try:
        account = receiving.authenticate(account_id, token)
    except DatabaseError as error:
        log.warning("A webhook came while the database is away: %r", error)
        return failed(receiving.remembered_vendor(account_id, token), 503)
    if account is None:
        return HttpResponse("Not found.\n", status=404, content_type="text/plain")
    if request.method != "POST":
        return HttpResponse("ready\n", content_type="text/plain")
    try:
        fate = receiving.keep(account, body_of(request))
    except TooLarge:
        log.warning("A webhook of account %s was too large.", account_id)
        return failed(account.vendor, 413)
    except TooSlow:
        log.warning("A webhook of account %s was too slow.", account_id)
        return failed(account.vendor, 408)
    except Exception:
        # Whatever it is: a page about it would name the path, and so the secret.
        log.warning("A webhook of account %s is lost.", account_id, exc_info=True)
        return failed(account.vendor, 503)
    return (
        failed(account.vendor, 429) if fate is Fate.TOO_MANY else done(account.vendor)
    )


def done(vendor: str) -> HttpResponse:
    if vendor == "leadsquared":
        return JsonResponse({"Status": "Success", "StatusReason": ""})
    return JsonResponse({"ok": True})


def failed(vendor: str, status: int) -> HttpResponse:
    """LeadSquared switches off who answers anything but success; others try again."""
    if vendor == "leadsquared":
        return done(vendor)
    later = {"Retry-After": "60"} if status in (429, 503) else {}
    return JsonResponse({"ok": False}, status=status, headers=later)


def body_of(request: HttpRequest) -> bytes:
    """Return the whole body; raise `TooLarge`, `TooSlow` or what a broken line raises."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if announced.isdecimal() and int(announced) > receiving.LARGEST:
        raise TooLarge
    source = request
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    if chunked and request.META.get("wsgi.input_terminated"):
        source = request.META["wsgi.input"]
    end = time.monotonic() + receiving.SLOWEST
    body = b""
    while piece := source.read(STEP):
        body += piece
        if len(body) > receiving.LARGEST:
            raise TooLarge
        if time.monotonic() > end:
            raise TooSlow
    return body
