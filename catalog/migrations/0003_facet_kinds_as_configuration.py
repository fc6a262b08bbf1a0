"""Facet kinds come from heed.toml: no choices."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("catalog", "0002_url_image_attributes")]

    operations = [migrations.AlterField("facet", "kind", models.CharField(max_length=16))]
