from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F

_AT_ONCE = 10_000


def believe(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Takes accounts of before for ones that acted since they were made; so they counted so far."""
    people = apps.get_model("accounts", "User").objects
    last = people.order_by("-pk").values_list("pk", flat=True).first() or 0
    for start in range(0, last + 1, _AT_ONCE):
        people.filter(pk__gt=start, pk__lte=start + _AT_ONCE).update(first_acted_at=F("date_joined"))


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0010_index_of_discounted_accounts'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='first_acted_at',
            field=models.DateTimeField(blank=True, editable=False, help_text="When the account first did something here, by the server's clock; empty until then. UTC.", null=True, verbose_name='first acted at'),
        ),
        migrations.RunPython(believe, migrations.RunPython.noop, elidable=True),
    ]
