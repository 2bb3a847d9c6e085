"""Keep what a site can deliver and has sold per settlement period, and who holds it; filled from what was sold before."""

from collections import defaultdict
from datetime import timedelta

import django.db.models.deletion
from django.db import migrations, models

from marketplace.rules.stacking import day_of, service_of

ON_SALE, SOLD = ["PUBLISHED", "SOLD"], ["CONFIRMED", "ACTIVE", "DELIVERED", "SETTLED"]


def fill(apps, schema_editor):
    """One capacity row a period on sale or sold, and one stacking row a period of every order that stands."""
    model = {
        name: apps.get_model("marketplace", name)
        for name in ("OfferPeriod", "SiteCapacity", "StackingRow", "OrderPeriod")
    }
    alive = model["OfferPeriod"].objects.filter(models.Q(offer__state__in=ON_SALE) | models.Q(reserved_kw__gt=0))
    places = defaultdict(list)
    for row in alive.select_related("offer"):
        places[row.offer.site_id, row.start_at, row.offer.direction].append(row)
    for (site, start, direction), rows in places.items():
        reserved = sum(row.reserved_kw for row in rows)
        made = model["SiteCapacity"].objects.create(
            site_id=site,
            start_at=start,
            direction=direction,
            reserved_kw=reserved,
            deliverable_kw=max(reserved, *(row.offered_kw for row in rows)),
        )
        model["OfferPeriod"].objects.filter(pk__in=[row.pk for row in rows]).update(capacity=made)
    for row in model["OrderPeriod"].objects.filter(order__state__in=SOLD).select_related("order__offer"):
        offer = row.order.offer
        model["StackingRow"].objects.create(
            site_id=offer.site_id,
            order=row.order,
            service=service_of(offer.product, day_of(offer.start_at)),
            direction=offer.direction,
            form="SPLITTING",
            start_at=row.start_at,
            end_at=row.start_at + timedelta(minutes=30),
            kw=row.ordered_kw,
            created_at=row.order.confirmed_at or row.order.created_at,
        )


def leave(apps, schema_editor):
    """Nothing: the tables go with the migration."""


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0009_disputes"),
    ]

    operations = [
        migrations.CreateModel(
            name="SiteCapacity",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start_at", models.DateTimeField()),
                ("direction", models.CharField(max_length=8)),
                ("deliverable_kw", models.DecimalField(decimal_places=3, max_digits=12)),
                ("reserved_kw", models.DecimalField(decimal_places=3, default=0, max_digits=12)),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="capacity", to="marketplace.site"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="offerperiod",
            name="capacity",
            field=models.ForeignKey(
                blank=True,
                help_text="The site's row of this period",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="offer_periods",
                to="marketplace.sitecapacity",
            ),
        ),
        migrations.CreateModel(
            name="StackingRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("service", models.CharField(max_length=40)),
                ("direction", models.CharField(max_length=8)),
                ("form", models.CharField(help_text="CO_DELIVERY, SPLITTING or JUMPING", max_length=12)),
                ("start_at", models.DateTimeField()),
                ("end_at", models.DateTimeField()),
                ("kw", models.DecimalField(decimal_places=3, max_digits=12)),
                (
                    "state",
                    models.CharField(
                        choices=[("HELD", "Held"), ("RELEASED", "Released")], default="HELD", max_length=8
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "beside",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="co_delivered",
                        to="marketplace.stackingrow",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stacking_rows",
                        to="marketplace.order",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="stacking_rows", to="marketplace.site"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="sitecapacity",
            constraint=models.UniqueConstraint(
                fields=("site", "start_at", "direction"), name="one_capacity_row_per_site_period_and_direction"
            ),
        ),
        migrations.AddConstraint(
            model_name="sitecapacity",
            constraint=models.CheckConstraint(
                condition=models.Q(("reserved_kw__gte", 0), ("reserved_kw__lte", models.F("deliverable_kw"))),
                name="a_site_never_sells_more_than_it_can_deliver",
            ),
        ),
        migrations.AddIndex(
            model_name="stackingrow",
            index=models.Index(fields=["site", "state", "start_at"], name="marketplace_site_id_5c1b1d_idx"),
        ),
        migrations.AddConstraint(
            model_name="stackingrow",
            constraint=models.CheckConstraint(
                condition=models.Q(("end_at__gt", models.F("start_at")), ("kw__gt", 0)),
                name="a_stacking_row_holds_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="stackingrow",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("beside__isnull", False), ("form", "CO_DELIVERY")),
                    models.Q(("beside__isnull", True), ("form__in", ["SPLITTING", "JUMPING"])),
                    _connector="OR",
                ),
                name="only_co_delivery_stands_beside_another_row",
            ),
        ),
        migrations.RunPython(fill, leave),
    ]
