from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_fewer_indexes'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='discounted_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='Since when nothing that the account says counts for others; empty where it counts. UTC.', null=True, verbose_name='discounted at'),
        ),
    ]
