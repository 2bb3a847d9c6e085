"""Files of readings, export readings, a site's meters over time, and chosen estimation rules.

The demonstration's sites get numbers whose check digit is right. Every site with a right number gets its first pair from it;
where two sites name the same meter, the older one does.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from flex_engine.settle.metering_ids import msid_fault
from marketplace.models import metering_pairs

DEMONSTRATION = {"1900000000001": "1010000000019", "1900000000002": "1010000000028"}


def arm(apps, schema_editor):
    metering_pairs.arm(schema_editor.connection)


def disarm(apps, schema_editor):
    metering_pairs.disarm(schema_editor.connection)


def carry_over(apps, schema_editor):
    site_rows, pairs = apps.get_model("marketplace", "Site"), apps.get_model("marketplace", "MsidPair")
    for old, new in DEMONSTRATION.items():
        site_rows.objects.filter(msid=old, organisation__is_demo=True).update(msid=new)
    taken = set()
    for site in site_rows.objects.order_by("pk"):
        if site.msid in taken or msid_fault(site.msid):
            continue
        taken.add(site.msid)
        pairs.objects.create(
            site=site, import_msid=site.msid, gsp_group=site.gsp_group, effective_from=site.created_at.date()
        )


class Migration(migrations.Migration):

    dependencies = [
        ('marketplace', '0012_products'),
    ]

    operations = [
        migrations.AlterField(
            model_name='meterreading',
            name='quality',
            field=models.CharField(default='ACTUAL', help_text='ACTUAL, ESTIMATED or SUSPECT, as the meter operator flags it', max_length=10),
        ),
        migrations.AlterField(
            model_name='meterreading',
            name='source',
            field=models.CharField(help_text='Who sent it, or the id of the rule that estimated it', max_length=80),
        ),
        migrations.CreateModel(
            name='EstimationChoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rule', models.CharField(blank=True, max_length=40)),
                ('chosen_at', models.DateTimeField()),
                ('activation', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='estimation_choices', to='marketplace.activation')),
                ('chosen_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='estimation_choices', to='marketplace.site')),
            ],
            options={
                'indexes': [models.Index(fields=['site', '-chosen_at'], name='marketplace_site_id_039803_idx')],
            },
        ),
        migrations.CreateModel(
            name='ExportReading',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('start_at', models.DateTimeField()),
                ('export_wh', models.BigIntegerField()),
                ('quality', models.CharField(default='ACTUAL', max_length=10)),
                ('source', models.CharField(max_length=80)),
                ('label', models.CharField(help_text='MEASURED or SIMULATED', max_length=10)),
                ('known_at', models.DateTimeField()),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='export_readings', to='marketplace.site')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('site', 'start_at', 'known_at'), name='one_export_reading_per_site_start_and_known'), models.CheckConstraint(condition=models.Q(('export_wh__gte', 0)), name='export_energy_is_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='MeterFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('filename', models.CharField(max_length=255)),
                ('content', models.BinaryField()),
                ('sha256', models.CharField(max_length=64)),
                ('said', models.JSONField(default=dict, help_text='{direction, unit, zone, edge, minutes, small} of the sender')),
                ('source', models.CharField(max_length=80)),
                ('label', models.CharField(help_text='MEASURED or SIMULATED', max_length=10)),
                ('state', models.CharField(choices=[('RECEIVED', 'Received'), ('READING', 'Being read'), ('IMPORTED', 'Imported'), ('REFUSED', 'Refused'), ('CANCELLED', 'Cancelled')], default='RECEIVED', max_length=10)),
                ('attempts', models.PositiveSmallIntegerField(default=0, help_text='How often a worker began to read it')),
                ('rows_total', models.PositiveIntegerField(default=0, help_text='Lines of the file, once it is being read')),
                ('rows_read', models.PositiveIntegerField(default=0)),
                ('rows_accepted', models.PositiveIntegerField(default=0)),
                ('rows_refused', models.PositiveIntegerField(default=0)),
                ('rows_empty', models.PositiveIntegerField(default=0)),
                ('half_hours', models.PositiveIntegerField(default=0, help_text='Whole half hours the file holds')),
                ('recorded', models.PositiveIntegerField(default=0, help_text='Half hours that were new or differed')),
                ('problems', models.JSONField(default=list, help_text='The first: [{row, column, value, problem, fix}]')),
                ('problems_total', models.PositiveIntegerField(default=0)),
                ('gaps', models.JSONField(default=list, help_text='The first: [{direction, start, count, partial}]')),
                ('gaps_total', models.PositiveIntegerField(default=0)),
                ('ignored', models.JSONField(default=list, help_text='Columns that mean nothing here')),
                ('error', models.TextField(blank=True, help_text='Why the file as a whole cannot be read')),
                ('created_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='meter_files', to='marketplace.site')),
                ('uploaded_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['site', '-created_at'], name='marketplace_site_id_136cbf_idx'), models.Index(fields=['state'], name='marketplace_state_c731c9_idx')],
            },
        ),
        migrations.CreateModel(
            name='MsidPair',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('import_msid', models.CharField(help_text='13 digits, the last one a check digit', max_length=13)),
                ('export_msid', models.CharField(blank=True, max_length=13)),
                ('amsid', models.CharField(blank=True, help_text='Asset meter behind the boundary, if there is one', max_length=13)),
                ('gsp_group', models.CharField(max_length=2)),
                ('unit', models.CharField(blank=True, help_text='Secondary BM Unit, for example V__CACO01', max_length=20)),
                ('effective_from', models.DateField()),
                ('effective_to', models.DateField(blank=True, null=True)),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='msid_pairs', to='marketplace.site')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('effective_to__isnull', True), ('effective_to__gt', models.F('effective_from')), _connector='OR'), name='msid_pair_ends_after_it_begins'), models.CheckConstraint(condition=models.Q(('import_msid__regex', '^[0-9]{13}$')), name='import_msid_has_thirteen_digits'), models.CheckConstraint(condition=models.Q(('export_msid', ''), ('export_msid__regex', '^[0-9]{13}$'), _connector='OR'), name='export_msid_has_thirteen_digits'), models.CheckConstraint(condition=models.Q(('amsid', ''), ('amsid__regex', '^[0-9]{13}$'), _connector='OR'), name='amsid_has_thirteen_digits')],
            },
        ),
        migrations.RunPython(arm, disarm, elidable=False),
        migrations.RunPython(carry_over, migrations.RunPython.noop),
    ]
