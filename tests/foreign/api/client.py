"""A client made by openapi-python-client from the running node's document tells a story: sign in, see who is cared
for, take an alert, answer for it. Reads {"http": url, "users": [...]} and prints "told"."""
import importlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.request

ready = json.load(sys.stdin)
clinician = next(user for user in ready["users"] if user["role"] == "clinician")
scratch = tempfile.TemporaryDirectory()
document = os.path.join(scratch.name, "openapi.json")
urllib.request.urlretrieve(f"{ready['http']}/api/v1/openapi.json", document)
made = subprocess.run(
    [os.path.join(os.path.dirname(sys.executable), "openapi-python-client"), "generate", "--path", document,
     "--meta", "none", "--output-path", os.path.join(scratch.name, "made")],
    capture_output=True, text=True, timeout=120,
    env=os.environ | {"PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]})
assert made.returncode == 0, made.stdout + made.stderr
sys.path.insert(0, scratch.name)

from made import AuthenticatedClient, Client  # noqa: E402
from made.models import Credentials, Note  # noqa: E402
from made.types import UNSET  # noqa: E402


def call(tag, operation, client, *path, **more):
    module = importlib.import_module(f"made.api.{tag}.{operation}")
    answer = module.sync_detailed(*path, client=client, **more)
    assert 200 <= answer.status_code < 300, (operation, answer.status_code, answer.content)
    return answer.parsed


credentials = Credentials(email=clinician["email"], password=clinician["password"])
tokens = call("auth", "post_auth_token", Client(base_url=ready["http"]), body=credentials)
client = AuthenticatedClient(base_url=ready["http"], token=tokens.access_token)
patients = call("patients", "get_patients", client)
assert patients.items and all(patient.id for patient in patients.items)
devices = call("devices", "get_devices", client)
assert devices.items and all(device.model for device in devices.items), "a device is a device"
alerts = call("alerts", "get_alerts", client, level="red")
assert alerts.items and all(alert.level == "red" for alert in alerts.items)
waiting = next(alert for alert in alerts.items if alert.state == "open" and alert.owner in (None, UNSET))
taken = call("alerts", "post_alerts_by_id_claim", client, waiting.id, body=Note(note="minha"))
assert taken.owner, taken
answered = call("alerts", "post_alerts_by_id_ack", client, waiting.id, body=Note(note="visto"))
assert answered.state == "acknowledged", answered
print("told")
