"""What PostgreSQL cannot guess: an account, a type and a holder are of one team.

Without it the planner takes a type's tasks for far fewer than they are, and fetches
each one from the table instead of walking along an index that holds all it needs.
"""

from django.db import migrations

COLUMNS = "team_id, account_id, type_id, assignee_id, channel"


def make(apps, editor):
    if editor.connection.vendor != "postgresql":
        return
    editor.execute(
        "CREATE STATISTICS IF NOT EXISTS task_of_team (dependencies)"
        f" ON {COLUMNS} FROM baton_task"
    )
    editor.execute("ANALYZE baton_task")


def drop(apps, editor):
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP STATISTICS IF EXISTS task_of_team")


class Migration(migrations.Migration):
    dependencies = [("baton", "0020_filtered_indexes")]

    operations = [migrations.RunPython(make, drop)]
