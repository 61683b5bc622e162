"""Reads an iCalendar feed with the icalendar library, strictly, and answers with its events as JSON."""
import json
import re
import sys

from icalendar import Calendar

raw = sys.stdin.buffer.read()
assert all(len(line) <= 75 for line in raw.split(b"\r\n")), "a line is longer than 75 octets"
assert b"\n" not in raw.replace(b"\r\n", b""), "a line ends without a carriage return"
calendar = Calendar.from_ical(raw)
assert not calendar.errors, calendar.errors
events = []
for event in calendar.walk("VEVENT"):
    assert not event.errors, event.errors
    events.append({
        "uid": str(event["UID"]),
        "from": int(event["DTSTART"].dt.timestamp()),
        "to": int(event["DTEND"].dt.timestamp()),
        "summary": str(event["SUMMARY"]),
        "names": sorted(event.keys()),
    })
# The library gives a property that it has no type for as it was written.
print(json.dumps({"name": re.sub(r"\\(.)", r"\1", str(calendar["NAME"])), "events": events}))
