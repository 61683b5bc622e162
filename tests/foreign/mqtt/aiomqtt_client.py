"""A wearable on aiomqtt: does what its one argument (JSON) says and prints what it hears, a JSON line each.
aiomqtt hides the code of an acknowledgement, so an acknowledgement is told without one."""

import asyncio
import json
import logging
import sys

import aiomqtt

job = json.loads(sys.argv[1])
five = job["version"] == "5"

# It warns of every call above ten at once, which is what a stream is.
quiet = logging.getLogger("aiomqtt")
quiet.setLevel(logging.ERROR)


def tell(heard, **more):
    print(json.dumps({"heard": heard, **more}), flush=True)


sent = acked = most = 0


async def publish(client, payload):
    global sent, acked, most
    sent += 1
    most = max(most, sent - acked)
    await client.publish(job["topic"], payload, qos=1, timeout=job["patience"])
    acked += 1
    tell("puback", code=None, reason=None)


async def notices(client, wanted, seen):
    async for message in client.messages:
        tell("notice", body=json.loads(message.payload))
        wanted -= 1
        if wanted == 0:
            seen.set()


async def listen(client):
    async for _ in client.messages:
        pass


async def stream(client):
    stamp = job["first"]

    async def lane():
        nonlocal stamp
        while True:
            stamp += 1
            await publish(client, job["template"].replace("STAMP", str(stamp - 1)))

    # Who only waits for acknowledgements is not told that the session has ended.
    await asyncio.gather(listen(client), *(lane() for _ in range(job["window"])))


async def main():
    client = aiomqtt.Client(
        job["host"],
        job["port"],
        identifier=job["client_id"],
        username=job["device"],
        password=job["token"],
        protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
        logger=quiet,
        max_inflight_messages=job["window"],
        max_concurrent_outgoing_calls=job["window"] or None,
    )
    async with client:
        tell("connack", code=0, reason=None)
        seen = asyncio.Event()
        if job["notices"]:
            codes = await client.subscribe(job["notices"], qos=1)
            tell("suback", codes=[getattr(code, "value", code) for code in codes])
            listening = asyncio.create_task(notices(client, job["await_notices"], seen))
        if job["act"] == "publish":
            await asyncio.gather(*(publish(client, payload) for payload in job["payloads"]))
            if job["await_notices"]:
                await asyncio.wait_for(seen.wait(), job["patience"])
            tell("flight", most=most)
        elif job["act"] == "stream":
            await stream(client)
        else:
            await listen(client)
        if job["notices"]:
            listening.cancel()


try:
    asyncio.run(main())
except aiomqtt.MqttCodeError as error:
    value = getattr(error.rc, "value", error.rc)
    tell("disconnect" if "Disconnected" in str(error) or "disconnect" in str(error) else "connack", code=value)
except aiomqtt.MqttError as error:
    print(error, file=sys.stderr)
tell("closed")
