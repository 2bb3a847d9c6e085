"""Number every entry within each organisation it concerns, without a gap from 1 on.

Entries that stand already get theirs in the log's own order; their leaves, of version 1, do not commit to them.
"""

import django.db.models.deletion
from django.db import migrations, models

from marketplace.ledger import append_only


def number(apps, schema_editor):
    newest, numbers = {}, apps.get_model("marketplace", "OrganisationNumber").objects
    links = apps.get_model("marketplace", "Event").organisations.through.objects
    rows = links.filter(event__entry__isnull=False).order_by("event__entry__seq", "organisation_id")
    batch = []
    for seq, party in rows.values_list("event__entry__seq", "organisation_id").iterator(chunk_size=1000):
        newest[party] = newest.get(party, 0) + 1
        batch.append(numbers.model(entry_id=seq, organisation_id=party, org_seq=newest[party]))
        if len(batch) == 1000:
            numbers.bulk_create(batch)
            batch = []
    numbers.bulk_create(batch)


def arm(apps, schema_editor):
    append_only.arm(schema_editor.connection)




class Migration(migrations.Migration):
    dependencies = [("marketplace", "0019_longer_lease_names")]

    operations = [
        migrations.CreateModel(
            name="OrganisationNumber",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("org_seq", models.PositiveBigIntegerField()),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="numbers",
                        to="marketplace.ledgerentry",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="marketplace.organisation",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="organisationnumber",
            constraint=models.UniqueConstraint(
                fields=("organisation", "org_seq"), name="one_entry_per_number_of_an_organisation"
            ),
        ),
        migrations.AddConstraint(
            model_name="organisationnumber",
            constraint=models.UniqueConstraint(
                fields=("entry", "organisation"), name="one_number_per_entry_and_organisation"
            ),
        ),
        migrations.RunPython(number, migrations.RunPython.noop),
        migrations.RunPython(arm, migrations.RunPython.noop),
    ]
