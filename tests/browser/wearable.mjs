// A wearable that we did not write: MQTT.js, as tests/foreign/mqtt installs it.
import { createRequire } from 'node:module';

const { connectAsync } = createRequire(new URL('../foreign/mqtt/package.json', import.meta.url))('mqtt');

export async function connected(ready, { device_id, token }) {
  return connectAsync(`mqtt://${ready.mqtt}`, {
    protocolVersion: 5,
    clientId: `browser-${device_id}`,
    username: device_id,
    password: token,
    reconnectPeriod: 0,
  });
}

// 61 readings of 130 beats at 1 Hz ending now: one red by the seeded rule, and by none fewer.
export async function tachycardia(ready, device) {
  const client = await connected(ready, device);
  const now = Date.now();
  const readings = Array.from({ length: 61 }, (_, i) => ({ ts: now - (60 - i) * 1000, values: { heart_rate: 130 } }));
  await client.publishAsync(`zelo/v1/devices/${device.device_id}/telemetry`, JSON.stringify(readings), { qos: 1 });
  const committed = Date.now();
  await client.endAsync();
  return committed;
}
