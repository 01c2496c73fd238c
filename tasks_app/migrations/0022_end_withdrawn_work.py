"""Tasks that were taken back stayed open for ever: what is never sent is cancelled."""

from django.db import migrations
from django.db.models import F


def end(apps, editor):
    # Team by team, because an index begins with it.
    for team_id in apps.get_model("baton", "Team").objects.values_list("pk", flat=True):
        apps.get_model("baton", "Task").objects.filter(
            team_id=team_id,
            delivery="withdrawn",
            status__in=["open", "in_progress"],
        ).update(status="cancelled", version=F("version") + 1)


class Migration(migrations.Migration):
    dependencies = [("baton", "0021_task_statistics")]

    # Nothing to put back: cancelled is what taking back meant before, too, wherever it
    # was asked for as an action.
    operations = [migrations.RunPython(end, migrations.RunPython.noop)]
