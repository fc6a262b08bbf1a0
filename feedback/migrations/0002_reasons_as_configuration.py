"""Reasons of dislikes come from heed.toml: no choices."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("feedback", "0001_initial")]

    operations = [migrations.AlterField("dislike", "reason", models.CharField(max_length=32))]
