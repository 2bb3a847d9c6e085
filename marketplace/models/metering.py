"""Around the readings: files of them on their way in, the meters of a site over time, and chosen estimation rules."""

from __future__ import annotations

from django.db import models

from marketplace.models.order import Activation
from marketplace.models.organisation import User
from marketplace.models.site import Site


class MeterFile(models.Model):
    """A file of readings, kept as it came. All its rows are recorded, or none.

    What a worker that died had done is done again from `content`: before IMPORTED nothing of the file is anywhere else.
    """

    class State(models.TextChoices):
        """RECEIVED -> READING -> IMPORTED or REFUSED; CANCELLED before it was imported."""

        RECEIVED = "RECEIVED", "Received"
        READING = "READING", "Being read"
        IMPORTED = "IMPORTED", "Imported"
        REFUSED = "REFUSED", "Refused"
        CANCELLED = "CANCELLED", "Cancelled"

    site = models.ForeignKey(Site, models.CASCADE, related_name="meter_files")
    uploaded_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True)
    filename = models.CharField(max_length=255)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    said = models.JSONField(default=dict, help_text="{direction, unit, zone, edge, minutes, small} of the sender")
    source = models.CharField(max_length=80)
    label = models.CharField(max_length=10, help_text="MEASURED or SIMULATED")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often a worker began to read it")
    rows_total = models.PositiveIntegerField(default=0, help_text="Lines of the file, once it is being read")
    rows_read = models.PositiveIntegerField(default=0)
    rows_accepted = models.PositiveIntegerField(default=0)
    rows_refused = models.PositiveIntegerField(default=0)
    rows_empty = models.PositiveIntegerField(default=0)
    half_hours = models.PositiveIntegerField(default=0, help_text="Whole half hours the file holds")
    recorded = models.PositiveIntegerField(default=0, help_text="Half hours that were new or differed")
    problems = models.JSONField(default=list, help_text="The first: [{row, column, value, problem, fix}]")
    problems_total = models.PositiveIntegerField(default=0)
    gaps = models.JSONField(default=list, help_text="The first: [{direction, start, count, partial}]")
    gaps_total = models.PositiveIntegerField(default=0)
    ignored = models.JSONField(default=list, help_text="Columns that mean nothing here")
    error = models.TextField(blank=True, help_text="Why the file as a whole cannot be read")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["site", "-created_at"]), models.Index(fields=["state"])]


class MsidPair(models.Model):
    """The meters of a site, import and export of one GSP group, on the days [effective_from, effective_to).

    That no meter stands in two rows on one day, whichever sites and units they are of, is held by the database:
    see metering_pairs.
    """

    site = models.ForeignKey(Site, models.CASCADE, related_name="msid_pairs")
    import_msid = models.CharField(max_length=13, help_text="13 digits, the last one a check digit")
    export_msid = models.CharField(max_length=13, blank=True)
    amsid = models.CharField(max_length=13, blank=True, help_text="Asset meter behind the boundary, if there is one")
    gsp_group = models.CharField(max_length=2)
    unit = models.CharField(max_length=20, blank=True, help_text="Secondary BM Unit, for example V__CACO01")
    effective_from = models.DateField()
    effective_to = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(effective_to__isnull=True) | models.Q(effective_to__gt=models.F("effective_from")),
                name="msid_pair_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=models.Q(import_msid__regex=r"^[0-9]{13}$"), name="import_msid_has_thirteen_digits"
            ),
            models.CheckConstraint(
                condition=models.Q(export_msid="") | models.Q(export_msid__regex=r"^[0-9]{13}$"),
                name="export_msid_has_thirteen_digits",
            ),
            models.CheckConstraint(
                condition=models.Q(amsid="") | models.Q(amsid__regex=r"^[0-9]{13}$"), name="amsid_has_thirteen_digits"
            ),
        ]


class EstimationChoice(models.Model):
    """Somebody's choice of a rule for missing readings: of one activation, or of the site from then on.

    The newest one of a site counts; an empty rule ends what was chosen before.
    """

    site = models.ForeignKey(Site, models.CASCADE, related_name="estimation_choices")
    activation = models.ForeignKey(Activation, models.CASCADE, null=True, blank=True, related_name="estimation_choices")
    rule = models.CharField(max_length=40, blank=True)
    chosen_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True)
    chosen_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["site", "-chosen_at"])]
