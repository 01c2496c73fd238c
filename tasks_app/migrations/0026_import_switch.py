"""The switch of an import has a column of its own: it stood where the report goes."""

from django.db import migrations, models


def move(apps, editor):
    imports = apps.get_model("baton", "ProspectImport").objects
    waiting = imports.filter(state="uploaded")
    waiting.filter(report={"update": False}).update(update_known=False)
    waiting.update(report={})


def move_back(apps, editor):
    imports = apps.get_model("baton", "ProspectImport").objects
    waiting = imports.filter(state="uploaded", update_known=False)
    waiting.update(report={"update": False})


class Migration(migrations.Migration):
    dependencies = [("baton", "0025_open_runs")]

    operations = [
        migrations.AddField(
            model_name="prospectimport",
            name="update_known",
            field=models.BooleanField(default=True),
        ),
        migrations.RunPython(move, move_back),
    ]
