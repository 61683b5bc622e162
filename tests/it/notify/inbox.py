"""Prints the mails of a mailbox as JSON, read by the IMAP client of Python's own library: PORT USER PASSWORD."""

import email.policy
import imaplib
import json
import sys

port, user, password = sys.argv[1:]
found = []
with imaplib.IMAP4("127.0.0.1", int(port)) as box:
    box.login(user, password)
    box.select("INBOX", readonly=True)
    for number in box.search(None, "ALL")[1][0].split():
        flags, raw = box.fetch(number, "(FLAGS BODY.PEEK[])")[1][0]
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        body = mail.get_body(("plain",))
        found.append({
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "text": body.get_content() if body else "",
            "seen": b"\\Seen" in flags,
        })
print(json.dumps(found))
