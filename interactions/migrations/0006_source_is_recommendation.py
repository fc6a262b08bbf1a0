"""Interactions from a list say so by one word; which retriever had brought the item is kept with the list."""

from typing import Any

from django.db import migrations


def say_recommendation(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("interactions", "UserInteraction").objects.exclude(recommendation_source="")
    rows.update(recommendation_source="recommendation")


class Migration(migrations.Migration):
    dependencies = [("interactions", "0005_what_popularity_is")]

    operations = [migrations.RunPython(say_recommendation, migrations.RunPython.noop)]
