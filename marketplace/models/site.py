"""A data-centre site: its limits, its meter and where it sits on the grid."""

from __future__ import annotations

from django.db import models

from marketplace.models.organisation import Organisation


class Site(models.Model):
    """One metered site. Power in kW at the meter; `pue` turns IT power into site power."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="sites")
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    import_limit_kw = models.DecimalField(max_digits=12, decimal_places=3)
    must_run_kw = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    pue = models.DecimalField(max_digits=4, decimal_places=3, default=1)
    kw_per_cpu = models.DecimalField(max_digits=8, decimal_places=4, default=0)
    kw_per_gpu = models.DecimalField(max_digits=8, decimal_places=4, default=0)
    carbon_price_gbp_per_tonne = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    gsp_group = models.CharField(max_length=2, help_text="GSP group, for example _A", default="_A")
    gsp_zone = models.CharField(max_length=40, blank=True, help_text="Grid supply point, for example NORM_1")
    licence_area = models.CharField(max_length=10, blank=True, help_text="DNO licence area, for example EPN")
    msid = models.CharField(max_length=40, help_text="Metering system or MSID pair")
    latitude = models.DecimalField(max_digits=8, decimal_places=5)
    longitude = models.DecimalField(max_digits=8, decimal_places=5)
    replan_requested_at = models.DateTimeField(
        null=True, blank=True, help_text="Set by whoever changed what a plan rests on"
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(import_limit_kw__gt=0), name="site_import_limit_is_positive"),
            models.CheckConstraint(condition=models.Q(must_run_kw__gte=0), name="site_must_run_is_not_negative"),
            models.CheckConstraint(condition=models.Q(pue__gte=1), name="site_pue_is_at_least_one"),
        ]

    def __str__(self) -> str:
        return self.name
