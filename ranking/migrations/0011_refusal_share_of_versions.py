"""The part of a base score that the chance of a no takes away, as `retrain` measured it."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("ranking", "0010_defaults_in_the_database")]

    operations = [
        migrations.AddField(
            model_name="modelversion",
            name="refusal_share",
            field=models.FloatField(
                blank=True,
                help_text="how much of a base score its chance of a no takes away, as retrain measured it",
                null=True,
            ),
        )
    ]
