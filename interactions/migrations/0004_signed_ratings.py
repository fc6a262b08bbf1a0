"""Weighs the ratings on record as a yes or a no; until now a rating of 1 weighed as a weak yes."""

from django.db import migrations


def weigh(apps, schema_editor):
    from core.domain import RATED, TYPES
    from interactions.ratings import weigh_ratings

    interactions = apps.get_model("interactions", "UserInteraction").objects
    for name in RATED:
        interactions.filter(type=name, rating=None).update(weight=TYPES[name].training_weight(None))
    people = interactions.filter(type__in=RATED).exclude(rating=None).order_by("user_id")
    weigh_ratings(list(people.values_list("user_id", flat=True).distinct()))


class Migration(migrations.Migration):
    dependencies = [("interactions", "0003_types_as_configuration")]
    operations = [migrations.RunPython(weigh, migrations.RunPython.noop)]
