"""What a search of the network brought back, as a grid operator compares it: one row an offer, cheapest first.

The answer comes from other people's machines. An entry that cannot be read is counted and left out, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from flex_engine.timegrid import HALF_HOUR, LONDON
from marketplace.models import SearchResult
from marketplace.rules.errors import MarketError
from marketplace.wire.purchase import exact
from marketplace.wire.series import read_column

DURATION = re.compile(r"^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?$")
# A seller answers within seconds; after this the page says that nobody has, instead of waiting on in silence.
NEED = "DemandFlexNeed"  # what a buyer publishes; nothing is sold by it
LATE_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class CataloguePeriod:
    """One settlement period of an offer in the catalogue."""

    start: datetime
    kw: Decimal
    price: Decimal
    carbon: Decimal | None


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """One offer of the catalogue. `kw` can be ordered in every half hour; prices are GBP per kWh."""

    offer_id: str
    name: str
    provider: str
    seller: str
    direction: str
    start: datetime
    end: datetime
    kw: Decimal
    price: Decimal
    penalty: Decimal | None
    notice: timedelta | None
    gate_closure: datetime | None
    zone: str
    baseline_method: str
    cancellation: str
    product: str
    availability_price: Decimal | None
    events_per_day: int | None
    carbon: Decimal | None
    periods: tuple[CataloguePeriod, ...]

    @property
    def energy_kwh(self) -> Decimal:
        """Energy of a full order, fully dispatched."""
        return self.kw * len(self.periods) / 2

    @property
    def full_pence(self) -> int:
        """What a full order costs if fully dispatched, before the seller's quote."""
        standing = self.kw / 1000 * len(self.periods) * (self.availability_price or 0)
        return round((sum((self.kw * row.price for row in self.periods), standing)) / 2 * 100)


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One search: waiting, late, refused, or answered with rows. `unreadable` entries were left out.

    `refusal` is {code, message}, or empty; beside rows it says what is missing from them, and with `returned` and `matched`
    of how many resources that fit how many came.
    """

    id: int
    transaction_id: str
    requested_at: datetime
    answered_at: datetime | None
    late: bool
    refusal: Mapping[str, Any]
    rows: tuple[CatalogueRow, ...]
    unreadable: int

    @property
    def returned(self) -> int | None:
        """How many resources came, where not all did."""
        return self.refusal.get("returned")

    @property
    def matched(self) -> int | None:
        """How many there are, where not all came."""
        return self.refusal.get("matched")

    @property
    def answered(self) -> bool:
        """Whether anybody has answered."""
        return self.answered_at is not None


def search_page(search: SearchResult, now: datetime) -> SearchPage:
    """One search as the page shows it; rows by price, then by start."""
    rows, unreadable = catalogue_rows(search)
    return SearchPage(
        id=search.pk,
        transaction_id=str(search.transaction_id),
        requested_at=search.requested_at,
        answered_at=search.answered_at,
        refusal=search.refusal,
        late=search.answered_at is None and not search.refusal and now - search.requested_at > LATE_AFTER,
        rows=rows,
        unreadable=unreadable,
    )


def catalogue_rows(search: SearchResult) -> tuple[tuple[CatalogueRow, ...], int]:
    """(rows, how many entries could not be read)."""
    rows: list[CatalogueRow] = []
    unreadable = 0
    for catalogue, resource, offer in entries(exact(search.catalogs or [])):
        try:
            rows.append(catalogue_row(catalogue, resource, offer))
        except (MarketError, KeyError, TypeError, ValueError, StopIteration, InvalidOperation):
            unreadable += 1
    return tuple(sorted(rows, key=lambda row: (row.price, row.start, row.offer_id))), unreadable


def catalogue_offer(search: SearchResult, offer_id: str) -> CatalogueRow | None:
    """One offer of a search's answer."""
    return next((row for row in catalogue_rows(search)[0] if row.offer_id == offer_id), None)


def entries(catalogs: list[Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]]:
    """(catalogue, resource, offer) of every offer that sells, with an empty resource where none fits. A need is none."""
    for catalogue in catalogs:
        if not isinstance(catalogue, Mapping):
            continue
        resources = {entry.get("id"): entry for entry in catalogue.get("resources") or [] if isinstance(entry, Mapping)}
        for offer in catalogue.get("offers") or []:
            if isinstance(offer, Mapping):
                wanted = next(iter(offer.get("resourceIds") or []), None)
                resource = resources.get(wanted, {})
                about = resource.get("resourceAttributes")
                if not isinstance(about, Mapping) or about.get("@type") != NEED:
                    yield catalogue, resource, offer


def catalogue_row(catalogue: Mapping[str, Any], resource: Mapping[str, Any], offer: Mapping[str, Any]) -> CatalogueRow:
    """One row; raises for anything that cannot be read."""
    terms = next(entry["inputs"] for entry in offer["offerAttributes"]["inputs"] if entry["role"] == "seller")
    about = resource["resourceAttributes"]
    sold_as: Mapping[str, Any] = terms.get("product", {})
    price = read_column(terms["price"], "PRICE")
    power = read_column(about["availability"], "CAPACITY_AVAILABLE")
    starts = sorted(price)
    carbon = optional_column(about["availability"], "CARBON_INTENSITY")
    known = [carbon[start] for start in starts if start in carbon]
    return CatalogueRow(
        offer_id=str(offer["id"]),
        name=str(offer.get("descriptor", {}).get("name", offer["id"])),
        provider=str(catalogue.get("provider", {}).get("descriptor", {}).get("name", "")),
        seller=str(catalogue.get("bppId", "")),
        direction={"REDUCE": "Turn-down", "INCREASE": "Turn-up"}[about["direction"]],
        start=starts[0],
        end=starts[-1] + HALF_HOUR,
        kw=min(power[start] for start in starts),
        price=sum(price.values(), Decimal(0)) / len(price),
        penalty=max(optional_column(terms["price"], "SHORTFALL_PENALTY").values(), default=None),
        notice=duration_of(about.get("noticePeriod")),
        gate_closure=time_of(offer.get("validity", {}).get("endDate")),
        zone=", ".join(str(part) for part in (about.get("gridZone"), about.get("licenceArea")) if part),
        baseline_method=str(terms.get("baselineMethodology", {}).get("method", "")),
        cancellation=cancellation_of(terms),
        product=str(sold_as.get("name", sold_as.get("key", ""))),
        availability_price=Decimal(str(sold_as["availabilityPriceGbpPerMwH"]))
        if "availabilityPriceGbpPerMwH" in sold_as
        else None,
        events_per_day=about.get("maxEventsPerDay"),
        carbon=sum(known, Decimal(0)) / len(known) if known else None,
        periods=tuple(CataloguePeriod(start, power[start], price[start], carbon.get(start)) for start in starts),
    )


def optional_column(series: Any, name: str) -> dict[datetime, Decimal]:
    """A column of a TimeSeries, or nothing when it has none."""
    try:
        return read_column(series, name)
    except MarketError:
        return {}


def cancellation_of(terms: Mapping[str, Any]) -> str:
    """A seller's cancellation terms in words: our own member `cancellation` of its inputs, {freeUntil, feePercent}."""
    said = terms.get("cancellation")
    try:
        fee = Decimal(str(said.get("feePercent", 0))) if isinstance(said, Mapping) else Decimal("NaN")
    except InvalidOperation:
        fee = Decimal("NaN")
    if not isinstance(said, Mapping) or not fee.is_finite() or fee < 0:
        return "the seller does not say"
    until = time_of(said.get("freeUntil"))
    if fee == 0 or until is None:
        return f"costs {fee.normalize():f} % of the quote" if fee else "free"
    local = until.astimezone(LONDON)
    return f"free until {local:%a} {local.day} {local:%b %Y, %H:%M %Z}, then {fee.normalize():f} % of the quote"


def duration_of(text: Any) -> timedelta | None:
    """An ISO 8601 duration in hours, minutes and seconds.

    >>> duration_of("PT1H15M")
    datetime.timedelta(seconds=4500)
    """
    found = DURATION.match(str(text or ""))
    if found is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def time_of(text: Any) -> datetime | None:
    """A time with a zone from the wire, or None."""
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
