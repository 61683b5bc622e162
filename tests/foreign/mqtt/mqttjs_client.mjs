// A wearable on mqtt.js: does what its one argument (JSON) says and prints what it hears, a JSON line each.
// mqtt.js does not honour the receive maximum it is told: all payloads of `publish` go out at once.
import mqtt from 'mqtt';

const job = JSON.parse(process.argv[2]);
const five = job.version === '5';
const tell = (heard, more = {}) => console.log(JSON.stringify({ heard, ...more }));
const end = () => { tell('closed'); process.exit(0); };

const client = mqtt.connect({
  host: job.host,
  port: job.port,
  protocolVersion: five ? 5 : 4,
  clientId: job.client_id,
  username: job.device,
  password: job.token,
  reconnectPeriod: 0,
  keepalive: 30,
});
const reason = (packet) => packet.properties?.reasonString ?? null;
let acks = 0, notices = 0, sent = 0, most = 0, stamp = job.first;

const publish = (payload) => {
  sent += 1;
  most = Math.max(most, sent - acks);
  client.publish(job.topic, payload, { qos: 1 }, () => {});
};
const next = () => publish(job.template.replace('STAMP', String(stamp++)));
const leave = () => { tell('flight', { most }); client.end(false, end); };
const finished = () => acks === job.payloads.length && notices >= job.await_notices;

client.on('packetreceive', (packet) => {
  switch (packet.cmd) {
    case 'connack':
      tell('connack', { code: packet.reasonCode ?? packet.returnCode, reason: reason(packet) });
      break;
    case 'suback':
      tell('suback', { codes: [...packet.granted] });
      break;
    case 'puback':
      acks += 1;
      tell('puback', { code: five ? packet.reasonCode : null, reason: reason(packet) });
      if (job.act === 'publish' && finished()) leave();
      if (job.act === 'stream') next();
      break;
    case 'disconnect':
      tell('disconnect', { code: packet.reasonCode });
      break;
  }
});
client.on('message', (_topic, payload) => {
  notices += 1;
  tell('notice', { body: JSON.parse(payload.toString()) });
  if (job.act === 'publish' && finished()) leave();
});
client.on('connect', async () => {
  if (job.notices) await client.subscribeAsync(job.notices, { qos: 1 });
  if (job.act === 'publish') job.payloads.forEach(publish);
  if (job.act === 'stream') for (let lane = 0; lane < job.window; lane += 1) next();
});
client.on('error', (error) => console.error(error.message));
client.on('close', end);
setTimeout(() => { console.error('too late'); process.exit(1); }, job.patience * 1000).unref();
