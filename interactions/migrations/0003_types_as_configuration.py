"""Interaction types come from heed.toml: no choices, and a column says which rows are states."""

from django.db import migrations, models

import interactions.models

# What the constraint named until now.
STATES = ("like", "favorite", "apply", "interest", "watched", "watchlist_add", "dislike")


def mark_states(apps, schema_editor):
    rows = apps.get_model("interactions", "UserInteraction").objects.using(schema_editor.connection.alias)
    rows.filter(type__in=STATES).update(is_state=True)


class Migration(migrations.Migration):

    dependencies = [("interactions", "0002_item_approvals")]

    operations = [
        migrations.AlterField("userinteraction", "type", models.CharField(max_length=32)),
        migrations.AddField(
            "userinteraction", "is_state", interactions.models.StateField(default=False, editable=False)
        ),
        migrations.RunPython(mark_states, migrations.RunPython.noop),
        migrations.RemoveConstraint("userinteraction", "one_live_state_per_item"),
        migrations.AddConstraint(
            "userinteraction",
            models.UniqueConstraint(
                fields=("user", "item", "type"),
                condition=models.Q(is_state=True, withdrawn_at=None),
                name="one_live_state_per_item",
            ),
        ),
    ]
