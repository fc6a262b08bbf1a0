"""The quality that a version had alone: its weight where models make a list together."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("ranking", "0007_marks_of_live_versions")]

    operations = [
        migrations.AddField(
            model_name="modelversion",
            name="quality",
            field=models.FloatField(
                blank=True,
                help_text="NDCG@10 alone over that of popularity at validation",
                null=True,
            ),
        )
    ]
