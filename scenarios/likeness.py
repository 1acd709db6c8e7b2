"""How like a record of ours is to real ones of the same event, member by member.

Values depend on the case and are compared by their form: which JSON type, and of texts whether they are a date, a document,
a number … A text that is spelled as a real one but for case or marks is an enumeration that we write wrongly.
"""

import fnmatch
import gzip
import json
import pathlib
import re

REAL = pathlib.Path(__file__).parent / "../../shared/data/cloudtrail/events.ndjson.gz"

FORMS = [
    ("a time", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
    ("a time with its zone", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:?\d\d"),
    ("a date in words", r"[A-Z][a-z]{2} \d{1,2}, \d{4},? \d{1,2}:\d\d:\d\d\s[AP]M"),
    ("a flag in text", r"true|false"),
    ("a number in text", r"-?\d+(\.\d+)?"),
    ("a document", r"\s*[{\[].*[}\]]\s*"),
    ("an escaped document", r"%7B.*%7D"),
    ("hidden", r"HIDDEN_DUE_TO_SECURITY_REASONS|\*{3,}"),
]


def form(value):
    """What a value looks like."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a flag"
    if isinstance(value, (int, float)):
        return "a number"
    return next((name for name, pattern in FORMS if re.fullmatch(pattern, value, re.DOTALL)), "a text")


def folded(text):
    return re.sub(r"[^a-z0-9]", "", text.lower())


def differences(real, ours, path=""):
    """Every difference between two values, as `path: what`; lists are `[]` in paths."""
    if isinstance(real, dict) and isinstance(ours, dict):
        found = []
        for name in sorted(real.keys() | ours.keys()):
            at = f"{path}.{name}" if path else name
            if name not in ours:
                found.append(f"{at}: only in real ones")
            elif name not in real:
                found.append(f"{at}: only in ours")
            else:
                found += differences(real[name], ours[name], at)
        return found
    if isinstance(real, list) and isinstance(ours, list):
        if not real or not ours:
            return [] if bool(real) == bool(ours) else [f"{path}: {'empty' if not ours else 'not empty'} in ours"]
        # Each of ours beside the real one that it is most like.
        return sorted({d for one in ours for d in min((differences(r, one, f"{path}[]") for r in real), key=len)})
    kinds = ["an object" if isinstance(v, dict) else "a list" if isinstance(v, list) else form(v) for v in (real, ours)]
    if kinds[0] != kinds[1]:
        return [f"{path}: {kinds[1]} in place of {kinds[0]}"]
    if isinstance(real, str) and real != ours and folded(real) == folded(ours) != "":
        return [f"{path}: {ours} in place of {real}"]
    return []


def real_records():
    """Real records by source, name and error code (None where they did not fail); `None` where there are none on this machine."""
    if not REAL.exists():
        return None
    found = {}
    with gzip.open(REAL, "rt") as lines:
        for line in lines:
            record = json.loads(line)
            # What others turned into texts or shortened on its way says nothing of forms; nor does what was written by hand.
            odd = record.get("responseElements") == "null" or isinstance(record.get("readOnly"), str)
            odd = odd or "http" in record or "userIdentitytype" in record
            if record.get("eventType") != "AwsApiCall" or odd or "EXAMPLE" in record.get("eventID", ""):
                continue
            found.setdefault(kind(record), []).append(record)
    return found


def kind(record):
    """What records are compared by."""
    return record["eventSource"], record["eventName"], record.get("errorCode")


class Agreed:
    """Differences that are agreed upon, each with its reason: `{event: {pattern: reason}}`; `*` is every event."""

    def __init__(self, table):
        self.table = table
        self.met = set()

    def without(self, event, found):
        """What of `found` is not agreed upon."""
        left = []
        for difference in found:
            entry = self.entry(event, difference)
            if entry is None:
                left.append(difference)
        return left

    def entry(self, event, difference):
        for name in (event, "*"):
            for pattern in self.table.get(name, {}):
                if fnmatch.fnmatchcase(difference, pattern.replace("[", "[[]")):
                    return name, pattern
        return None

    def nearest(self, event, reals, ours):
        """What is different from the real record that is most like ours, and not agreed upon."""
        every = [differences(real, ours) for real in reals]
        nearest = min(every, key=lambda found: (len(self.without(event, found)), len(found)))
        self.met.update(filter(None, (self.entry(event, difference) for difference in nearest)))
        return self.without(event, nearest)

    def stale(self, events):
        """Entries for these events that were never met."""
        every = {(name, pattern) for name, entries in self.table.items() for pattern in entries if name in events or name == "*"}
        return sorted(every - self.met)
