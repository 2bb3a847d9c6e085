"""What each event means, as one sentence a person can read aloud. It reads the event's own payload and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import orjson

Payload = Mapping[str, Any]


def kw(watts: Any) -> str:
    """Integer watts as kW without trailing zeros.

    >>> kw(412500)
    '412.5 kW'
    """
    return f"{(Decimal(int(watts)) / 1000).normalize():f} kW"


def kwh(wh: Any) -> str:
    """Integer Wh as kWh without trailing zeros."""
    return f"{(Decimal(int(wh)) / 1000).normalize():,f} kWh"


def money(pence: Any) -> str:
    """Integer pence as pounds."""
    value = int(pence)
    return f"{'−' if value < 0 else ''}£{abs(value) // 100:,}.{abs(value) % 100:02d}"


def signed(pence: Any) -> str:
    """Integer pence as pounds with their sign.

    >>> signed("5800"), signed("-5")
    ('+£58.00', '−£0.05')
    """
    return money(pence) if int(pence) < 0 else f"+{money(pence)}"


def power(periods: Any) -> str:
    """The highest power of a list of periods, and how many there are."""
    most = max((period["power_w"] for period in periods), default=0)
    return f"{kw(most)} over {len(periods)} settlement periods"


def span(payload: Payload, first: str, last: str) -> str:
    """Two stored times to the minute; they are in UTC as stored."""
    return f"{payload[first][:16]} to {payload[last][:16]} UTC"


def counted(number: Any, noun: str) -> str:
    """How many were: 1 job was, 1,204 jobs were.

    >>> counted(1204, "job")
    '1,204 jobs were'
    """
    return f"1 {noun} was" if int(number) == 1 else f"{int(number):,} {noun}s were"


def accepted(p: Payload) -> str:
    """Jobs came into a queue."""
    refused = f" {counted(p['rows_refused'], 'problem')} left out." if int(p["rows_refused"]) else ""
    return f"{counted(p['jobs'], 'job')} accepted into the queue of {p['site']}.{refused}"


def sale_rules(p: Payload) -> str:
    """A site's rules of sale, in short."""
    waits = [f"above {p['approve_above_kw']} kW"] * bool(p["approve_above_kw"])
    waits += [f"below £{p['floor_gbp_per_kwh']}/kWh"] * bool(p["floor_gbp_per_kwh"])
    approval = f"orders {' or '.join(waits)} wait for approval" if waits else "no order waits for approval"
    hours = int(p["free_cancellation_s"]) // 3600
    return f"{approval}; cancelling costs {p['cancellation_fee_percent']} % from {hours} hours before the window"


def kept(p: Payload) -> str:
    """What of a withdrawn offer stays sold; older events do not say."""
    return f" {kw(p['sold_w'])} of it stays sold." if int(p.get("sold_w", 0)) else ""


def owed(p: Payload) -> str:
    """What a cancellation costs the buyer; older events do not say, and none cost anything."""
    return f" The buyer owes {money(p['fee_pence'])}." if int(p.get("fee_pence", 0)) else ""


def planned(p: Payload) -> str:
    """A plan was made."""
    held = f", {p['commitments']} half hours held for orders" if int(p["commitments"]) else ""
    return f"{p['site']} has a plan for {int(p['jobs']):,} jobs ({p['status'].lower()}{held})."


def unplanned(p: Payload) -> str:
    """No plan could be made."""
    return f"No plan could be made for {p['site']} ({p['status'].lower()}). The plan before it stays in force."


def published(p: Payload) -> str:
    """An offer went on sale."""
    return f"{p['site']} put {kw(p['power_w'])} on sale, {span(p, 'start', 'end')}."


def confirmed(p: Payload) -> str:
    """An order was placed."""
    return f"{p['buyer']} ordered {power(p['periods'])} for {money(p['quote_pence'])}."


def metered(p: Payload) -> str:
    """Readings came in."""
    way = "export reading" if p.get("direction") == "EXPORT" else "meter reading"
    count = counted(p["readings"], f"{p['label'].lower()} {way}")
    return f"{count} recorded for {p['site']}, {span(p, 'first', 'last')}."


def estimated(p: Payload) -> str:
    """Readings were estimated by a rule."""
    return f"{counted(p['readings'], 'missing reading')} estimated for {p['site']} by {p['source']}, {span(p, 'first', 'last')}."


def rule_chosen(p: Payload) -> str:
    """Somebody chose, or ended, an estimation rule."""
    about = f"dispatch {p['activation']} of {p['site']}" if p["activation"] else p["site"]
    if not p["rule"]:
        return f"Missing readings of {about} are no longer estimated."
    return f"Missing readings of {about} are to be estimated by {p['rule']}."


def statement(p: Payload) -> str:
    """What a settlement statement says."""
    short = f"{kwh(p['shortfall_wh'])} short" if int(p["shortfall_wh"]) else "nothing short"
    delivered = f"delivered {kwh(p['delivered_wh'])}, {kwh(p['eligible_wh'])} of it eligible, {short}"
    changed = f", {signed(p['delta_pence'])} against the statement before" if "delta_pence" in p else ""
    if "activation" not in p:
        what = (
            "The order was cancelled late" if p["reason"] == "CANCELLED" else "The order stood ready and was not called"
        )
        return f"{what}. Run {p['run']} pays {money(p['amount_pence'])}{changed}."
    return f"Dispatch {p['activation']} {delivered}. Run {p['run']} pays {money(p['amount_pence'])}{changed}."


def side(p: Payload, name: str = "side") -> str:
    """A party of an order."""
    return f"The {p[name].lower()}"


def words_of(code: Any) -> str:
    """A code in words.

    >>> words_of("METER_GAP")
    'meter gap'
    """
    return str(code).replace("_", " ").lower()


def reported(p: Payload) -> str:
    """A seller reported what it metered."""
    again = f" {p['revised']} of them told before." if int(p["revised"]) else ""
    return f"{counted(p['readings'], 'half hour')} of a delivery reported by {p['seller']}, {span(p, 'first', 'last')}.{again}"


def disputed(p: Payload) -> str:
    """A dispute was opened."""
    part = f", {len(p['periods'])} of its settlement periods" if p["periods"] else ""
    named = p["reason"].lower().replace("_", " ")
    return f"{side(p)} disputes run {p['run']}, version {p['version']}{part} ({named}): {signed(p['difference_pence'])} claimed."


def answered(p: Payload) -> str:
    """A dispute was answered."""
    return f"{side(p, 'by')} {'agrees with' if p['agrees'] else 'objects to'} the dispute over run {p['run']}."


def amended(p: Payload) -> str:
    """A dispute was decided by a new statement."""
    return f"The dispute over run {p['run']} is decided: a new statement, {signed(p['delta_pence'])} against the disputed one."


def files(p: Payload, done: str) -> str:
    """Position notifications of one unit."""
    count = len(p["files"])
    return f"{count} position notification{'' if count == 1 else 's'} of {p['unit']} {'was' if count == 1 else 'were'} {done}."


def alarmed(p: Payload) -> str:
    """A position that was not told in time."""
    late = (
        "was not sent five minutes before the gate" if p["alarm"] == "LATE" else "was not sent before the gate closed"
    )
    return f"Position notification {p['key']} {late}, {p['gate_closure'][:16]} UTC."


def manifest(p: Payload) -> str:
    """The log was counted."""
    whose = "of the whole log" if p["scope"] == "log" else "of one organisation"
    return (
        f"The manifest up to {p['day']} counts {p['entries']:,} entries {whose}, numbers {p['first']} to {p['last']}."
    )


def because(p: Payload) -> str:
    """The reason somebody gave."""
    return str(p["reason"]).rstrip(".") or "no reason given"


SENTENCES: dict[str, Callable[[Payload], str]] = {
    "daily.manifest": manifest,
    "queue.accepted": accepted,
    "plan.ready": planned,
    "plan.refused": unplanned,
    "site.sale_rules": lambda p: f"How {p['site']} sells was set: {sale_rules(p)}.",
    "offer.drafted": lambda p: f"An offer of {kw(p['power_w'])} was drafted for {p['site']}.",
    "offer.published": published,
    "offer.shrunk": lambda p: (
        f"What is on sale of an offer of {p['site']} was lowered to {kw(p['left_w'])}: {p['why']}."
    ),
    "offer.broken": lambda p: f"What is sold of an offer of {p['site']} cannot be delivered any more, {p['why']}",
    "offer.restored": lambda p: f"What is sold of an offer of {p['site']} can be delivered again.",
    "offer.withdrawn": lambda p: f"An offer of {p['site']} was withdrawn: {because(p)}.{kept(p)}",
    "order.confirmed": confirmed,
    "order.waiting": lambda p: f"An order waits for the seller until {p['approve_by'][:16]} UTC. {p['why']}",
    "order.declined": lambda p: f"The seller declined an order: {p['why']}",
    "order.lapsed": lambda p: f"An order expired. {p['why']}",
    "order.cancelled": lambda p: f"An order was cancelled: {because(p)}.{owed(p)}",
    "tender.published": lambda p: (
        f"A tender for {power(p['periods'])} was published: {p['name']}, open until {p['closes_at'][:16]} UTC."
    ),
    "tender.cancelled": lambda p: f"The tender {p['name']} was cancelled: {because(p)}.",
    "tender.cleared": lambda p: f"The tender {p['name']} was cleared: {p['taken']} of {p['bids']} bids were taken.",
    "bid.placed": lambda p: f"{p['site']} bid {kw(p['power_w'])} on the tender {p['name']}.",
    "bid.withdrawn": lambda p: f"{p['site']} withdrew its bid on the tender {p['name']}.",
    "bid.taken": lambda p: f"The tender {p['name']} took {kw(p['taken_w'])} of the bid of {p['site']}.",
    "bid.refused": lambda p: f"The bid of {p['site']} on the tender {p['name']} was not taken. {p['reason']}",
    "bid.lost": lambda p: (
        f"The award of {kw(p['taken_w'])} in the tender {p['name']} to {p['site']} was lost. {p['reason']}"
    ),
    "document.revised": lambda p: f"The contract document of an order has a version {p['version']}: its terms changed.",
    "order.rated": lambda p: (
        f"{p['buyer']} rated an order {p['score']} on a scale from {p['lowest']} to {p['highest']}."
    ),
    "order.questioned": lambda p: f"{p['buyer']} asked about an order: {p['about']}.",
    "order.settled": lambda p: f"An order is settled by run {p['run']}. Proof: {p['proof'].lower().replace('_', ' ')}.",
    "activation.accepted": lambda p: f"Dispatch {p['instruction']} for {power(p['periods'])} was accepted.",
    "activation.gave_way": lambda p: f"Dispatch {p['instruction']} gave way. {p['why']}",
    "activation.started": lambda p: f"Dispatch {p['instruction']} began.",
    "activation.settled": lambda p: f"One dispatch of an order is settled by run {p['run']}. Others are under way.",
    "meter.recorded": metered,
    "baseline.nominated": lambda p: (
        f"{counted(len(p['periods']), 'half hour')} nominated as the baseline of {p['site']}."
    ),
    "notification.planned": lambda p: files(p, "queued"),
    "notification.sent": lambda p: files(p, "sent to a simulated counterparty; silence accepts nothing"),
    "notification.exception": lambda p: f"Position notification {p['key']} came back: {p['reason']}",
    "notification.alarm": alarmed,
    "meter.estimated": estimated,
    "meter.rule_chosen": rule_chosen,
    "meter.registered": lambda p: f"{p['site']} is metered by {p['import_msid']} from {p['from']} on.",
    "settlement.statement": statement,
    "settlement.calendar": lambda p: (
        f"The Settlement Calendar {p['file']} was imported, due dates of days {p['first']} to {p['last']}."
    ),
    "settlement.proven": lambda p: f"Run {p['run']} is proven. Proof: {p['proof'].lower().replace('_', ' ')}.",
    "purchase.readings": reported,
    "purchase.disputed": lambda p: f"A settlement of {p['seller']} is disputed ({words_of(p['reason'])}).",
    "purchase.dispute_step": lambda p: f"A dispute with {p['seller']}: {words_of(p['step'])} was sent.",
    "purchase.dispute": lambda p: f"{p['seller']} says of a dispute: {words_of(p['state'])}.",
    "dispute.opened": disputed,
    "dispute.answered": answered,
    "dispute.upheld": lambda p: f"{side(p, 'by')} upholds run {p['run']}: the statement stands.",
    "dispute.amended": amended,
    "dispute.escalated": lambda p: f"{side(p, 'by')} escalates the dispute over run {p['run']}.",
    "site.event_day": lambda p: f"{p['day']} was declared an event day of {p['site']}: {because(p)}.",
    "anchor.retried": lambda p: (
        f"{'Tree head' if p['kind'] == 'HEAD' else 'Batch of settlement records'} {p['number']} is sent again. It had failed: {p['failed_for']}"
    ),
    "feed.failed": lambda p: f"{p['feed']} can no longer be read from {p['publisher']}: {p['why']}",
    "feed.recovered": lambda p: f"{p['feed']} can be read from {p['publisher']} again.",
    "feed.set_aside": lambda p: (
        f"{counted(p['rows'], 'row')} set aside of {p['feed']} from {p['publisher']}: {p['why']}."
    ),
    "token.made": lambda p: (
        f"API token {p['name']} was made for {', '.join(p['scopes']) or 'nothing'}, until {p['until'][:16]} UTC."
    ),
    "audit.exported": lambda p: (
        f"An evidence pack was made that shows {p['entries']:,} of the {p['size']:,} entries under head {p['head']}."
    ),
    "token.revoked": lambda p: f"API token {p['name']} was revoked.",
}


def sentence(kind: str, payload: bytes) -> str:
    """The sentence of an event, or its type in words when its payload was erased or its type is unknown here."""
    try:
        return SENTENCES[kind](orjson.loads(bytes(payload)))
    except (KeyError, ValueError, TypeError, AttributeError):
        return kind.replace(".", " ").replace("_", " ").capitalize() + "."
