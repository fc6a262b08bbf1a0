from django.db import migrations, models

from core.migration_operations import AddIndexBesideWrites


class Migration(migrations.Migration):
    # On PostgreSQL who writes goes on meanwhile.
    atomic = False

    dependencies = [
        ('accounts', '0009_discounted_accounts'),
    ]

    operations = [
        AddIndexBesideWrites(
            model_name='user',
            index=models.Index(condition=models.Q(('discounted_at__isnull', False)), fields=['discounted_at'], name='discounted_accounts'),
        ),
    ]
