"""Take a picture of every page and state into shots/: make shots

On a scratch database, at 1440 and 390 pixels, light and dark. `--readme` writes the two
pictures of the README instead.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "shots"
README = ROOT / "static" / "img"


def main() -> int:
    folder = tempfile.mkdtemp(prefix="baton-shots-")
    os.environ.pop("DATABASE_URL", None)
    os.environ |= {
        "DATA_DIR": folder,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
    }
    import django

    django.setup()
    try:
        return take(readme="--readme" in sys.argv)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def take(*, readme: bool) -> int:
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.management import call_command
    from django.test.testcases import LiveServerThread
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        print("Chromium is missing: install the package chromium.", file=sys.stderr)
        return 1
    call_command("migrate", verbosity=0)
    server = LiveServerThread("127.0.0.1", StaticFilesHandler)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    if server.error:
        raise server.error
    with sync_playwright() as playwright:
        from .conftest import FLAGS

        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        address = f"http://127.0.0.1:{server.port}"
        (for_readme if readme else of_every_page)(browser, address)
        browser.close()
    server.terminate()
    return 0


def of_every_page(browser: Any, address: str) -> None:
    """Write shots/<page>-<width>-<scheme>.png, and the pages of an empty team too."""
    from tests.factories import make_account, make_team, make_user

    from .conftest import DESKTOP, PHONE
    from .states import STATES
    from .test_pages import PAGES, PUBLIC
    from .world import make_world

    world = make_world()
    empty = make_team(name="New team")
    beginner = make_user(empty, "lead", username="nina", first_name="Nina")
    make_account("saleshandy", team=empty)
    shutil.rmtree(SHOTS, ignore_errors=True)
    SHOTS.mkdir()
    taken = 0
    for viewport in (DESKTOP, PHONE):
        for scheme in ("light", "dark"):
            ending = f"{viewport['width']}-{scheme}.png"
            options = {"viewport": viewport, "color_scheme": scheme}
            mine = Camera(browser, address, world.lead, options)
            for name, where in PAGES.items():
                mine.shoot(where(world), SHOTS / f"{slug(name)}-{ending}")
            for name, (where, act) in STATES.items():
                path = SHOTS / f"{slug(name)}-{ending}"
                mine.shoot(where(world), path, before=act)
            rep = Camera(browser, address, world.rep, options)
            rep.shoot("/tasks/", SHOTS / f"rep-tasks-{ending}")
            new = Camera(browser, address, beginner, options)
            for name in ("tasks", "batches", "prospects", "needs a check"):
                new.shoot(PAGES[name](world), SHOTS / f"empty-{slug(name)}-{ending}")
            anybody = Camera(browser, address, None, options)
            for name, where_ in PUBLIC.items():
                anybody.shoot(where_, SHOTS / f"{slug(name)}-{ending}")
            for camera in (mine, rep, new, anybody):
                taken += camera.taken
                camera.close()
    print(f"{taken} pictures in {SHOTS.relative_to(ROOT)}/")


def for_readme(browser: Any, address: str) -> None:
    """Write the two pictures that the README shows."""
    from tasks_app.models import ConnectedAccount, Prospect

    from .world import make_world

    world = make_world()
    ConnectedAccount.objects.update(state="connected", state_reason="")
    # In letters that every machine has a font for.
    Prospect.objects.filter(company="Oakridge KK").update(
        first_name="Misaki", last_name="Yamamoto"
    )
    chosen = [("tasks", "/tasks/"), ("batch", f"/batches/{world.batches[0].pk}/")]
    for scheme in ("light", "dark"):
        options = {
            "viewport": {"width": 1280, "height": 760},
            "color_scheme": scheme,
        }
        camera = Camera(browser, address, world.lead, options, whole=False)
        name, where = chosen[scheme == "dark"]
        camera.shoot(where, README / f"readme-{name}.png")
        camera.close()


class Camera:
    """Takes pictures as one person (None: nobody signed in)."""

    def __init__(
        self,
        browser: Any,
        address: str,
        user: Any,
        options: dict[str, Any],
        *,
        whole: bool = True,
    ) -> None:
        from .conftest import session_cookie

        self.context = browser.new_context(base_url=address, **options)
        if user is not None:
            self.context.add_cookies([session_cookie(user, address)])
        self.page = self.context.new_page()
        self.whole = whole
        self.taken = 0

    def shoot(
        self, where: str, path: Path, before: Callable[[Any], None] | None = None
    ) -> None:
        from django.utils import timezone

        from .world import beat

        beat(timezone.now())  # else pages say, rightly, that no worker runs
        self.page.goto(where)
        if before is not None:
            before(self.page)
        self.page.wait_for_timeout(300)
        self.page.screenshot(path=path, full_page=self.whole, animations="disabled")
        self.taken += 1

    def close(self) -> None:
        self.context.close()


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower().replace(".", ""))


if __name__ == "__main__":
    sys.exit(main())
