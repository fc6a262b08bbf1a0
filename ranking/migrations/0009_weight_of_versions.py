"""The share that a version has in the joint score of several models, as `retrain` fitted it."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("ranking", "0008_quality_of_versions")]

    operations = [
        migrations.AddField(
            model_name="modelversion",
            name="weight",
            field=models.FloatField(
                blank=True,
                help_text="its share in the joint score of several models, as retrain fitted it",
                null=True,
            ),
        )
    ]
