"""The dislikes that a model which went live knows already ask for no other: their marks, from its manifest."""

from datetime import datetime

from django.db import migrations


def mark(apps, schema_editor):
    Version = apps.get_model("ranking", "ModelVersion")
    Mark = apps.get_model("feedback", "RetrainingMark")
    until = {}
    live = Version.objects.exclude(activated_at=None).values_list("use_case", "dataset_manifest")
    for use_case, manifest in live.iterator():
        for name in ("judged_until", "window_end"):
            if name in manifest:
                moment = datetime.fromisoformat(manifest[name])
                until[use_case] = max(moment, until.get(use_case, moment))
    Mark.objects.bulk_create(Mark(use_case=name, counted_until=moment) for name, moment in until.items())


class Migration(migrations.Migration):

    dependencies = [
        ("ranking", "0006_words_of_arms"),
        ("feedback", "0004_rows_of_imported_dislikes"),
    ]

    operations = [migrations.RunPython(mark, migrations.RunPython.noop, elidable=True)]
