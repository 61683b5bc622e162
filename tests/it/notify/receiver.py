"""A receiver of webhooks: checks each call as the Standard Webhooks specification says, then does what the path asks
for. Prints its port, then one line of JSON a call."""

import base64
import hashlib
import hmac
import http.server
import json
import sys
import threading
import time

# Under a clock that a test drives, a timestamp is signed and not looked at.
timeless = "timeless" in sys.argv[2:]
secret = base64.b64decode(sys.argv[1].removeprefix("whsec_"))
calls: dict[str, int] = {}
gone = threading.Event()
saying = threading.Lock()


def verified(headers, body):
    ident, stamp = headers["webhook-id"], headers["webhook-timestamp"]
    if not timeless and abs(time.time() - int(stamp)) > 300:
        return False
    content = ident.encode() + b"." + stamp.encode() + b"." + body
    ours = base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
    listed = (one.partition(",") for one in headers["webhook-signature"].split())
    return any(version == "v1" and hmac.compare_digest(ours, tag) for version, _, tag in listed)


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        ident = self.headers["webhook-id"]
        calls[ident] = calls.get(ident, 0) + 1
        good = verified(self.headers, body)
        line = json.dumps({"path": self.path, "id": ident, "good": good, "count": calls[ident],
                           "type": self.headers["content-type"], "body": json.loads(body)})
        # Several are called at once: each line stays whole.
        with saying:
            print(line, flush=True)
        what, *rest = self.path.strip("/").split("/")
        if not good:
            self.answer(401)
        elif what == "status":
            self.answer(int(rest[0]), {"Retry-After": rest[1]} if len(rest) > 1 else {})
        elif what == "redirect":
            self.answer(307, {"Location": "/status/200"})
        elif what == "twice":
            self.answer(200 if calls[ident] > int(rest[0]) else 500)
        elif what == "silence":
            gone.wait(60)
        elif what == "cut":
            self.close_connection = True
        elif what == "noise":
            self.wfile.write(b"\x00\xff this is not HTTP\r\n\r\n")
            self.close_connection = True

    def answer(self, status, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
server.daemon_threads = True
print(server.server_port, flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), gone.set(), server.shutdown()), daemon=True).start()
server.serve_forever()
