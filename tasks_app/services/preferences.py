"""How one person likes the pages."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import User

from tasks_app.models import Preference

THEMES = {"system": "Like this device", "light": "Light", "dark": "Dark"}
DENSITIES = {"comfortable": "Comfortable", "compact": "Compact"}

#: What the task list can show beside the task itself, in this order.
COLUMNS = {
    "account": "Account",
    "assignee": "Assignee",
    "batch": "Batch",
    "due": "Due",
    "created": "Created",
    "completed": "Completed",
    "priority": "Priority",
    "status": "Status",
    "delivery": "Delivery",
}
USUAL = ("account", "assignee", "due", "priority", "status", "delivery")
#: Kept with every choice, so that none of the others is a choice, too.
ALWAYS = "task"
PAGE_SIZES = (25, 50, 100)


def preference_of(user: User) -> Preference:
    """Return what this person chose, the defaults where nothing was chosen."""
    found = Preference.objects.filter(user_id=user.pk).first()
    return found or Preference(user_id=user.pk)


def save_preference(
    user: User, *, theme: str, density: str, single_keys: bool
) -> Preference:
    """Keep what this person chose; an unknown word leaves what was there."""
    preference, _ = Preference.objects.get_or_create(user=user)
    if theme in THEMES:
        preference.theme = theme
    if density in DENSITIES:
        preference.density = density
    preference.single_keys = single_keys
    preference.save(update_fields=["theme", "density", "single_keys"])
    return preference


def columns_of(preference: Preference) -> dict[str, bool]:
    """Return for each column, in the order of COLUMNS, whether this person sees it."""
    chosen = preference.columns or USUAL
    return {name: name in chosen for name in COLUMNS}


def page_size_of(preference: Preference) -> int:
    size = preference.page_size
    return size if size in PAGE_SIZES else Preference().page_size


def save_list_display(
    user: User, *, columns: Collection[str], density: str, page_size: str
) -> Preference:
    """Keep how this person likes the task list; unknown words change nothing."""
    preference, _ = Preference.objects.get_or_create(user=user)
    preference.columns = [ALWAYS, *(name for name in COLUMNS if name in columns)]
    if density in DENSITIES:
        preference.density = density
    if page_size in map(str, PAGE_SIZES):
        preference.page_size = int(page_size)
    preference.save(update_fields=["columns", "density", "page_size"])
    return preference
