"""Unfolds rotations with python-dateutil. Reads a JSON rotation a line, answers with a JSON line each.

The rule, in words: turns are handed over on the wall clock; a turn starts at the first instant of its hour and ends at
the last one of the next turn's; an hour that never comes is the instant of the jump over it.
"""
import json
import sys
from datetime import datetime, time, timedelta, timezone

from dateutil import tz
from dateutil.rrule import DAILY, HOURLY, rrule

ZONES = {}


def zone_of(name):
    if name not in ZONES:
        ZONES[name] = tz.gettz(name)
    return ZONES[name]


def local(seconds, zone):
    return datetime.fromtimestamp(seconds, timezone.utc).astimezone(zone).replace(tzinfo=None)


def instant(naive, zone, fold):
    aware = naive.replace(tzinfo=zone, fold=fold)
    if tz.datetime_exists(aware):
        return int(aware.timestamp())
    middle = int(naive.replace(tzinfo=timezone.utc).timestamp())
    low, high = middle - 26 * 3600, middle + 26 * 3600
    while high - low > 1:
        at = (low + high) // 2
        if local(at, zone) >= naive:
            high = at
        else:
            low = at
    return high


def hand_overs(rotation, low, high):
    """(number, clock time) of the hand-overs from low to high."""
    starts = datetime.fromisoformat(rotation["starts"])
    lengths = rotation["lengths"]
    whole, offset, out = sum(lengths), 0, []
    for place, length in enumerate(lengths):
        first = starts + timedelta(hours=offset)
        rule = rrule(HOURLY, interval=whole, dtstart=first, until=high)
        for at in rule.between(low, high, inc=True):
            cycle = int((at - first).total_seconds()) // (whole * 3600)
            out.append((cycle * len(lengths) + place, at))
        offset += length
    return sorted(out, key=lambda one: one[1])


def clock(text):
    hour, minute = text.split(":")
    return timedelta(hours=int(hour), minutes=int(minute))


def parts(begin, end, week):
    """The parts of a turn in which the rotation has hours."""
    if week is None:
        return [(begin, end)]
    out = []
    for day in rrule(DAILY, dtstart=datetime.combine(begin.date(), time()), until=end):
        for interval in week[day.weekday()].split():
            opens, closes = interval.split("-")
            low, high = max(day + clock(opens), begin), min(day + clock(closes), end)
            if low >= high:
                continue
            if out and out[-1][1] == low:
                out[-1] = (out[-1][0], high)
            else:
                out.append((low, high))
    return out


def expand(rotation):
    zone = zone_of(rotation["zone"])
    longest = timedelta(hours=max(rotation["lengths"]))
    low = local(rotation["from"], zone) - timedelta(days=2) - longest
    high = local(rotation["to"], zone) + timedelta(days=2) + longest
    held = hand_overs(rotation, low, high)
    ends = rotation["ends"] and datetime.fromisoformat(rotation["ends"])
    turns = []
    for (number, begin), (_, end) in zip(held, held[1:]):
        if ends and begin >= ends:
            break
        for opens, closes in parts(begin, min(end, ends) if ends else end, rotation["hours"]):
            start = max(instant(opens, zone, 0), rotation["from"])
            stop = min(instant(closes, zone, 1), rotation["to"])
            if start < stop:
                turns.append([number % rotation["people"], start, stop])
    shown = [at.isoformat() for _, at in held]
    return {"low": low.isoformat(), "high": high.isoformat(), "hand_overs": shown, "turns": sorted(turns)}


for line in sys.stdin:
    print(json.dumps(expand(json.loads(line))))
