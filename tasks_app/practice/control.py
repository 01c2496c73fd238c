"""The control API under `/_practice/` and the way to the control page at `/`.

For this machine only: other clients are refused, and so are requests that a page of
another site makes a browser send.
"""

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from . import page
from .later import is_loopback
from .wire import BadBody, Request, Response

if TYPE_CHECKING:
    from .server import PracticeServer

CSS = Path(__file__).with_name("practice.css")
SAFE = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Control:
    """Answers what is asked about, and done to, one practice vendor."""

    def __init__(self, server: "PracticeServer") -> None:
        self.server = server
        self.routes: dict[tuple[str, str], Callable[[Request], Any]] = {
            ("GET", "state"): lambda _: server.state(),
            ("GET", "ledger"): lambda r: server.ledger(r.query.get("event", "create")),
            ("GET", "calls"): lambda _: server.calls(),
            ("GET", "window"): self.window,
            ("GET", "tasks"): self.tasks,
            ("GET", "dials"): lambda _: server.state()["dials"],
            ("POST", "dials"): lambda r: server.dial(**r.json_object()),
            ("DELETE", "dials"): self.remove_dials,
            ("POST", "act"): self.act,
            ("POST", "plant"): self.plant,
            ("POST", "seed"): self.seed,
            ("POST", "settings"): lambda r: server.set(**r.json_object()),
            ("POST", "settle"): self.settle,
            ("POST", "reset"): self.reset,
        }
        self.pages: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("GET", "/"): self.show,
            ("HEAD", "/"): self.show,
            ("GET", "/_practice/practice.css"): self.css,
            ("POST", "/_practice/page/act"): self.page_act,
            ("POST", "/_practice/page/dial"): self.page_dial,
            ("POST", "/_practice/page/undial"): self.page_undial,
        }

    def answer(self, request: Request) -> Response:
        """The answer to a control request, with the headers a browser should see."""
        response = self.refusal(request) or self.route(request)
        response.headers.update(SAFE)
        return response

    def refusal(self, request: Request) -> Response | None:
        """Refuse other machines, other sites' pages, and other names for this one."""
        if not ipaddress.ip_address(request.client.partition("%")[0]).is_loopback:
            return sentence(403, "The practice controls answer this machine only.")
        host = request.headers.get("host", "")
        name = urlsplit(f"//{host}").hostname or ""
        if not (is_loopback(name) or name == self.server.host):
            return sentence(403, "The practice controls answer to localhost only.")
        if request.method in ("GET", "HEAD"):
            return None
        origin = request.headers.get("origin")
        from_form = request.content_type != "application/json"
        has_body = request.method == "POST"
        if origin != f"http://{host}" and (origin or (from_form and has_body)):
            return sentence(403, "This request came from another site.")
        return None

    def route(self, request: Request) -> Response:
        if handler := self.pages.get((request.method, request.path)):
            return handler(request)
        name = request.path.removeprefix("/_practice").strip("/") or "state"
        action = self.routes.get((request.method, name))
        if action is None:
            return sentence(404, "The practice controls have no such path.")
        try:
            return Response(200, action(request))
        except (BadBody, ValueError, TypeError, KeyError) as error:
            return sentence(400, str(error))

    # The control API

    def window(self, request: Request) -> dict[str, float]:
        seconds = float(request.query.get("seconds", "5"))
        return {"seconds": seconds, "most": self.server.worst_window(seconds)}

    def tasks(self, request: Request) -> list[dict[str, Any]]:
        query = request.query
        limit, offset = int(query.get("limit", "-1")), int(query.get("offset", "0"))
        return self.server.tasks(query.get("search", ""), limit, offset)

    def remove_dials(self, request: Request) -> list[Any]:
        if "id" in request.query:
            self.server.dials.remove(int(request.query["id"]))
        else:
            self.server.clear_dials()
        return [dial.as_dict() for dial in self.server.dials.active]

    def act(self, request: Request) -> dict[str, list[str]]:
        """`ids`, or `search` for all tasks that match it ("" for all there are)."""
        body = request.json_object()
        ids = body.get("ids")
        if ids is None:
            ids = [task["id"] for task in self.server.tasks(body["search"])]
        done = self.server.act(
            body["action"], ids, user=body.get("user", ""), to=body.get("to", "")
        )
        return {"done": done}

    def plant(self, request: Request) -> dict[str, list[str]]:
        return {"ids": self.server.plant(request.json_object()["tasks"])}

    def seed(self, request: Request) -> dict[str, Any]:
        self.server.seed(**request.json_object())
        return self.server.state()

    def settle(self, request: Request) -> dict[str, bool]:
        timeout = float(request.query.get("timeout", "10"))
        return {"settled": self.server.settle(timeout)}

    def reset(self, request: Request) -> dict[str, Any]:
        self.server.reset()
        return self.server.state()

    # The control page

    def show(self, request: Request) -> Response:
        html = page.render(self.server, request.query).encode()
        return Response(200, html, {"Content-Type": "text/html; charset=utf-8"})

    def css(self, request: Request) -> Response:
        headers = {"Content-Type": "text/css; charset=utf-8"}
        return Response(200, CSS.read_bytes(), headers)

    def page_act(self, request: Request) -> Response:
        form = read_form(request)
        try:
            self.server.act(form.get("action", ""), [form.get("id", "")])
        except ValueError as error:
            return sentence(400, str(error))
        return back(form)

    def page_dial(self, request: Request) -> Response:
        form = read_form(request)
        try:
            settings: dict[str, Any] = {
                "probability": float(form.get("percent") or "100") / 100,
                "path": form.get("path", "").strip(),
            }
            if form.get("next"):
                settings["next"] = int(form["next"])
            if form.get("seconds"):
                settings["seconds"] = float(form["seconds"])
            self.server.dial(form.get("kind", ""), **settings)
        except ValueError as error:
            return sentence(400, str(error))
        return back(form)

    def page_undial(self, request: Request) -> Response:
        form = read_form(request)
        if form.get("id", "").isdecimal():
            self.server.dials.remove(int(form["id"]))
        return back(form)


def read_form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode(errors="replace")))


def back(form: dict[str, str]) -> Response:
    """Return to the page and place that the form was sent from."""
    kept = {name: form[name] for name in ("q", "page") if form.get(name)}
    return Response(303, b"", {"Location": f"/?{urlencode(kept)}" if kept else "/"})


def sentence(status: int, text: str) -> Response:
    return Response(status, {"practice": True, "message": text})
