"""schemathesis against a running node, as each role: no server error, no status and no body that the document does
not name. Reads {"http": url, "users": [{"role", "email", "password"}]} and prints a line a role."""
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# The live stream has no end; a sign-out would end the session that asks.
LEFT_OUT = ["/api/v1/live", "/api/v1/auth/logout"]

ready = json.load(sys.stdin)
schemathesis = os.path.join(os.path.dirname(sys.executable), "schemathesis")


def token(user):
    body = json.dumps({"email": user["email"], "password": user["password"]}).encode()
    request = urllib.request.Request(f"{ready['http']}/api/v1/auth/token", body, {"content-type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=20))["access_token"]


def run(user, scratch):
    # The boundary values of every parameter once, as whoever may change the most; random ones as everybody.
    phases = "coverage,fuzzing" if user["role"] == "admin" else "fuzzing"
    # One worker: two threads that parse Python at once may end in "AST constructor recursion depth mismatch" (CPython 3.11).
    command = [schemathesis, "run", f"{ready['http']}/api/v1/openapi.json", "--checks", CHECKS, "--phases", phases,
               "--max-examples", "3", "--seed", "7", "--workers", "1", "--continue-on-failure",
               "--request-timeout", "30", "--no-color", "-H", f"Authorization: Bearer {token(user)}"]
    for path in LEFT_OUT:
        command += ["--exclude-path", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=scratch)
    cases = re.search(r"(\d+) generated", done.stdout)
    print(user["role"], cases.group(0) if cases else "nothing generated", flush=True)
    if done.returncode or not cases:
        print(done.stdout[-12_000:], done.stderr[-2_000:], file=sys.stderr)
    return bool(cases) and done.returncode == 0


with tempfile.TemporaryDirectory() as scratch:
    # The administrator comes last: their calls block people and end sessions.
    users = sorted(ready["users"], key=lambda user: user["role"] == "admin")
    sys.exit(0 if all([run(user, scratch) for user in users]) else 1)
