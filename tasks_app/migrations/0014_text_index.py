"""Trigrams behind the search for words, on PostgreSQL where its pg_trgm is at hand.

Without it, and on SQLite, the same rows are found by reading all of the team's.
"""

from django.db import migrations, transaction
from django.db.utils import DatabaseError

INDEXES = {"task_text": "baton_task", "prospect_text": "baton_prospect"}


def make(apps, editor):
    if editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(editor.connection.alias):
            editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            for name, table in INDEXES.items():
                editor.execute(
                    f"CREATE INDEX {name} ON {table}"
                    " USING gin (search_text gin_trgm_ops)"
                )
    except DatabaseError:  # not installed, not ours to install, or out of reach
        return


def drop(apps, editor):
    if editor.connection.vendor == "postgresql":
        for name in INDEXES:
            editor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):
    dependencies = [("baton", "0013_list_indexes")]

    operations = [migrations.RunPython(make, drop)]
