"""A wearable on paho-mqtt: does what its one argument (JSON) says and prints what it hears, a JSON line each."""

import json
import queue
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes

job = json.loads(sys.argv[1])
five = job["version"] == "5"
events = queue.Queue()


def tell(heard, **more):
    # In one piece: paho calls back from a thread of its own.
    sys.stdout.write(json.dumps({"heard": heard, **more}) + "\n")
    sys.stdout.flush()


def reason_string(properties):
    return getattr(properties, "ReasonString", None) if five else None


def code(reason_code):
    return reason_code.value


def on_connect(_client, _data, _flags, reason_code, properties):
    # On 3.1.1 paho translates the return code into the reason code of MQTT 5.
    tell("connack", code=code(reason_code), reason=reason_string(properties))
    events.put(("connack", code(reason_code)))


def on_publish(_client, _data, mid, reason_code, properties):
    tell("puback", code=code(reason_code) if five else None, reason=reason_string(properties))
    events.put(("puback", mid))


def on_subscribe(_client, _data, _mid, codes, _properties):
    tell("suback", codes=[code(each) for each in codes])
    events.put(("suback", None))


def on_message(_client, _data, message):
    tell("notice", body=json.loads(message.payload))
    events.put(("notice", None))


def on_disconnect(_client, _data, flags, reason_code, _properties):
    if flags.is_disconnect_packet_from_server:
        tell("disconnect", code=code(reason_code))
    events.put(("closed", None))


client = mqtt.Client(
    mqtt.CallbackAPIVersion.VERSION2,
    client_id=job["client_id"],
    protocol=mqtt.MQTTv5 if five else mqtt.MQTTv311,
    reconnect_on_failure=False,
)
client.username_pw_set(job["device"], job["token"])
client.max_inflight_messages_set(job["window"])
client.on_connect, client.on_publish, client.on_subscribe = on_connect, on_publish, on_subscribe
client.on_message, client.on_disconnect = on_message, on_disconnect
client.connect(job["host"], job["port"], keepalive=30)
client.loop_start()


def wait(*kinds):
    while True:
        kind, what = events.get(timeout=job["patience"])
        if kind in kinds or kind == "closed":
            return kind, what


def publish(payload):
    client.publish(job["topic"], payload, qos=1)


kind, refused = wait("connack")
if kind == "closed" or refused:
    tell("closed")
    sys.exit()
if job["notices"]:
    client.subscribe(job["notices"], qos=1)
    wait("suback")
if job["act"] == "publish":
    # Nothing is read meanwhile: all of it is in flight, whatever receive maximum was announced.
    client.loop_stop()
    for payload in job["payloads"]:
        publish(payload)
    assert not client.want_write(), "the socket took it all"
    tell("flight", most=len(job["payloads"]))
    client.loop_start()
    acks = notices = 0
    while acks < len(job["payloads"]) or notices < job["await_notices"]:
        kind, _ = wait("puback", "notice")
        if kind == "closed":
            break
        acks, notices = acks + (kind == "puback"), notices + (kind == "notice")
    client.disconnect()
elif job["act"] == "stream":
    stamp = job["first"]
    for _ in range(job["window"]):
        publish(job["template"].replace("STAMP", str(stamp)))
        stamp += 1
    while wait("puback")[0] != "closed":
        publish(job["template"].replace("STAMP", str(stamp)))
        stamp += 1
else:
    while wait("closed")[0] != "closed":
        pass
client.loop_stop()
tell("closed")
