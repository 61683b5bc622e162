#!/usr/bin/env python3
"""The first command of the README does its main job: a red alert is open within 30 s, and a reading that a foreign
client publishes comes back over the API. Usage: tests/smoke.py [PROGRAM ARGUMENTS…] (default: through cargo)."""

import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

COMMAND = sys.argv[1:] or ["cargo", "run", "--release", "--locked", "--", "demo"]


def call(base, path, body=None, token=None):
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(base.rstrip("/") + path, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"smoke: {path}: {error.code} {error.read().decode(errors='replace')}")


def until(what, seconds, probe):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := probe():
            print(f"smoke: {what}: {seconds - (end - time.monotonic()):.1f} s", flush=True)
            return found
        time.sleep(0.1)
    sys.exit(f"smoke: {what}: not within {seconds} s")


def first_line(program):
    lines = []
    reader = threading.Thread(target=lambda: lines.append(program.stdout.readline()), daemon=True)
    reader.start()
    # The release build may come first.
    until("ready", 1_500, lambda: lines or program.poll() is not None)
    if not lines or not lines[0]:
        sys.exit(f"smoke: the program ended with {program.wait()} before it was ready")
    return json.loads(lines[0])


def check(program):
    ready = first_line(program)
    base = ready["http"]
    clinician = next(user for user in ready["users"] if user["role"] == "clinician")
    who = {"email": clinician["email"], "password": clinician["password"]}
    token = call(base, "/api/v1/auth/token", who)["access_token"]
    red = until(
        "an open red alert", 30, lambda: call(base, "/api/v1/alerts?level=red&state=open", token=token)["items"]
    )
    print(f"smoke: {len(red)} red", flush=True)

    device = ready["devices"][-1]
    assert device["replayed"] is False, device
    stamp = int(time.time() * 1000)
    at = datetime.datetime.fromtimestamp(stamp / 1000, datetime.timezone.utc)
    text = [(at + datetime.timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for ms in (0, 1)]
    host, port = ready["mqtt"].rsplit(":", 1)
    reading = json.dumps({"ts": stamp, "values": {"spo2": 91}})
    topic = f"zelo/v1/devices/{device['device_id']}/telemetry"
    sent = subprocess.run(
        ["mosquitto_pub", "-V", "5", "-d", "-q", "1", "-h", host, "-p", port, "-t", topic, "-m", reading]
        + ["-u", device["device_id"], "-P", device["token"]],
        capture_output=True,
        text=True,
        timeout=30,
    )
    # mosquitto_pub ends with 0 even when the message was refused.
    assert sent.returncode == 0 and "RC:0)" in sent.stdout, sent
    path = f"/api/v1/patients/{device['patient_id']}/readings?signal=spo2&from={text[0]}&to={text[1]}"
    back = call(base, path, token=token)["items"]
    assert [item["value"] for item in back] == [91], back
    print("smoke: the reading came back", flush=True)


def main():
    if not shutil.which("mosquitto_pub"):
        sys.exit("smoke: mosquitto_pub is missing: run tests/run first, which installs it")
    with tempfile.TemporaryDirectory(prefix="zelo-smoke.") as data:
        flags = ["--json", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data-dir", os.path.join(data, "demo")]
        program = subprocess.Popen(COMMAND + flags, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        try:
            check(program)
            # cargo run replaces itself with the program.
            program.send_signal(signal.SIGTERM)
            code = program.wait(timeout=10)
            assert code == 0, f"SIGTERM ended it with {code}, not 0"
            print("smoke: SIGTERM ended it with 0", flush=True)
        finally:
            if program.poll() is None:
                program.kill()
                program.wait()


main()
