// Verifies an exported audit log with @sigstore/verify: that every file is one of the list that the log's key signed,
// the checkpoint's signature, and every entry's inclusion by
// a path out of the stored tiles. This file only carries bytes; what judges is Sigstore's code.
// Run: npm install && node verify.mjs DIR KEY   (or set SIGSTORE_VERIFY to a folder that holds @sigstore/verify)
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative, sep } from 'node:path';

const require = createRequire(import.meta.url);
const sigstore = process.env.SIGSTORE_VERIFY ?? '@sigstore/verify';
const { verifyCheckpoint } = require(`${sigstore}/dist/tlog/checkpoint.js`);
const { verifyMerkleInclusion } = require(`${sigstore}/dist/tlog/merkle.js`);

const [dir, given] = process.argv.slice(2);
const [name, id, ...key] = readFileSync(join(dir, 'vkey.txt'), 'utf8').trim().split('+');
if (given?.trim().split('+').slice(2).join('+') !== key.join('+')) {
  console.error('REFUSED: vkey.txt is not the key that you were given (node verify.mjs DIR KEY)');
  process.exit(1);
}
const raw = Buffer.from(key.join('+'), 'base64').subarray(1);
const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]);
const log = {
  logID: Buffer.from(id, 'hex'),
  baseURL: name,
  publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }),
};
const envelope = readFileSync(join(dir, 'checkpoint'), 'utf8');

function pieces(row, n, width) {
  let path = String(n % 1000).padStart(3, '0');
  for (n = Math.floor(n / 1000); n > 0; n = Math.floor(n / 1000)) {
    path = `x${String(n % 1000).padStart(3, '0')}/${path}`;
  }
  return readFileSync(join(dir, 'tile', String(row), width < 256 ? `${path}.p/${width}` : path));
}

function widthAt(level, tile, size) {
  return Math.min(256, Math.floor(size / 256 ** level) - tile * 256);
}

// The root of the subtree of 2^height leaves number `index`, from the tiles; each is computed once.
const nodes = new Map();
const tiles = new Map();
function node(height, index, size) {
  const at = `${height}/${index}`;
  if (!nodes.has(at)) nodes.set(at, height % 8 === 0 ? stored(height / 8, index, size) : hash(
    node(height - 1, 2 * index, size), node(height - 1, 2 * index + 1, size)));
  return nodes.get(at);
}
function stored(level, index, size) {
  const tile = Math.floor(index / 256);
  const at = `${level}/${tile}`;
  if (!tiles.has(at)) tiles.set(at, pieces(level, tile, widthAt(level, tile, size)));
  return tiles.get(at).subarray((index % 256) * 32, (index % 256) * 32 + 32);
}
function hash(left, right) {
  return createHash('sha256').update(Buffer.concat([Buffer.from([1]), left, right])).digest();
}
function split(length) {
  return 2 ** Math.floor(Math.log2(length - 1));
}
const ranges = new Map();
function range(from, to, size) {
  const length = to - from;
  if (Number.isInteger(Math.log2(length)) && from % length === 0) return node(Math.log2(length), from / length, size);
  const at = `${from}-${to}`;
  const middle = from + split(length);
  if (!ranges.has(at)) ranges.set(at, hash(range(from, middle, size), range(middle, to, size)));
  return ranges.get(at);
}
function path(index, size) {
  const hashes = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + split(to - from);
    if (index < middle) { hashes.push(range(middle, to, size)); to = middle; }
    else { hashes.push(range(from, middle, size)); from = middle; }
  }
  return hashes.reverse();
}

// Every file is in files.sha256 as it was, and files.sig signs that list.
function covered() {
  const list = readFileSync(join(dir, 'files.sha256'), 'utf8');
  const lines = list.split('\n').slice(0, -1);
  const sum = (bytes) => createHash('sha256').update(bytes).digest('hex');
  const text = `zelo-audit-bundle/1\n${name}\n${lines.length}\n${sum(readFileSync(join(dir, 'files.sha256')))}\n`;
  const note = readFileSync(join(dir, 'files.sig'), 'utf8');
  const start = `${text}\n— ${name} `;
  const base64 = note.slice(start.length, -1);
  const signature = Buffer.from(base64, 'base64');
  if (!note.startsWith(start) || !note.endsWith('\n') || signature.toString('base64') !== base64
    || signature.subarray(0, 4).toString('hex') !== id
    || !verify(null, Buffer.from(text), log.publicKey, signature.subarray(4))) {
    throw new Error('files.sig does not sign files.sha256');
  }
  const listed = new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
  if (listed.size !== lines.length) throw new Error('files.sha256 names a file twice');
  for (const item of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (item.isDirectory()) continue;
    const at = join(item.parentPath ?? item.path, item.name);
    const file = relative(dir, at).split(sep).join('/');
    if (!item.isFile()) throw new Error(`${file} is no plain file`);
    if (file === 'files.sha256' || file === 'files.sig') continue;
    if (listed.get(file) !== sum(readFileSync(at))) throw new Error(`${file} is not listed, or was altered`);
    listed.delete(file);
  }
  if (listed.size > 0) throw new Error(`${[...listed.keys()][0]} is missing`);
}

try {
  covered();
  const proof = { checkpoint: { envelope } };
  const checkpoint = verifyCheckpoint({ inclusionProof: proof }, [log]);
  if (checkpoint.origin !== name || checkpoint.rest.length > 0) throw new Error('not a checkpoint of this log');
  const size = Number(checkpoint.logSize);
  for (let index = 0; index < size; ) {
    let left = Math.min(256, size - index);
    let data = pieces('entries', Math.floor(index / 256), left);
    for (; left > 0; left--, index++) {
      const length = data.readUInt16BE(0);
      if (data.length < 2 + length) throw new Error(`entry ${index} is cut`);
      const entry = { canonicalizedBody: data.subarray(2, 2 + length),
        inclusionProof: { logIndex: String(index), hashes: path(index, size) } };
      verifyMerkleInclusion(entry, checkpoint);
      data = data.subarray(2 + length);
    }
    if (data.length > 0) throw new Error(`the bundle before entry ${index} goes on`);
  }
  // Tiles above the leaves that no path needed are read too, so that no file is left unlooked at.
  for (let level = 0, items = size; items > 0; level++, items = Math.floor(items / 256)) {
    for (let n = 0; n < items; n++) {
      if (level > 0 && !stored(level, n, size).equals(full(level, n, size))) throw new Error(`tile of level ${level}`);
    }
  }
  console.log('VERIFIED', size, checkpoint.logHash.toString('base64'));
} catch (error) {
  console.error('REFUSED:', error.message);
  process.exit(1);
}

function full(level, n, size) {
  const half = 8 * level - 1;
  return hash(node(half, 2 * n, size), node(half, 2 * n + 1, size));
}
