"""Two parties at one statement: what disputes are tried on. The buyer is on this installation once it is told so."""

from __future__ import annotations

from datetime import date, timedelta

from django.conf import settings as django_settings

from marketplace.models import Order, Purchase
from marketplace.rules.dispute import DisputeStep
from marketplace.usecases.advance_dispute import advance_dispute
from marketplace.usecases.amend_dispute import amend_dispute
from marketplace.usecases.open_dispute import open_dispute
from marketplace.usecases.settle_activation import settle_activation
from tests.unit.marketplace.usecases import market, settled
from tests.unit.marketplace.usecases.market import END, FIRST, NOW, SECOND

SPOILT = date(2024, 1, 12)  # the site drew little on that Friday evening, for a reason of its own
METERED = {FIRST: 330_001, SECOND: 349_999} | {FIRST - timedelta(days=4): 300_000, SECOND - timedelta(days=4): 310_000}
LATER = END + timedelta(hours=2)


class Table:
    """Two parties at one statement."""

    def __init__(self, site):
        self.seller = site.organisation
        self.site = site
        self.statement = settle_activation(activation=settled.over(site, metered=METERED), now=END)
        self.order = self.statement.order
        self.buyer = market.organisation("Northern Networks", "GRID")
        Purchase.objects.create(
            organisation=self.buyer, transaction_id=self.order.transaction_id, seller_subscriber_id="s", offer_id="o",
            resource_id="r", state="DELIVERED", requested_kw=400, created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        self.people = {
            self.seller: market.person(self.seller, "SETTLEMENT"),
            self.buyer: market.person(self.buyer, "TRADER"),
        }

    def buyer_is_here(self):
        Order.objects.update(buyer_subscriber_id=django_settings.BECKN_PARTICIPANTS["bap"]["subscriber_id"])

    def open(self, by=None, **changes):
        by = by or self.buyer
        facts = {
            "statement": self.statement, "organisation": by, "user": self.people[by], "reason": "METER_GAP", "unit": "PENCE",
            "claimed_value": self.statement.amount_pence - 500, "words": "The meter stood still at 17:10.", "now": LATER,
        }  # fmt: skip
        return open_dispute(**facts | changes)

    def step(self, dispute, step, by, *, words="See the meter's own log.", now=LATER, **more):
        return advance_dispute(
            dispute=dispute, step=DisputeStep(step), organisation=by, user=self.people[by], words=words, now=now, **more
        )

    def amend(self, dispute, correction, *, now=LATER, by=None, words="The reading was revised."):
        by = by or self.seller
        return amend_dispute(
            dispute=dispute, organisation=by, user=self.people[by], words=words, correction=correction, now=now
        )
