// The second verifier of evidence packs: written apart from verify_pack.py, with no dependency and no build.
//
//   node verify_pack.mjs [--json] [--strict] [--log-key VKEY] [--contract 0x..] [--chain-id N] [--anchor-key 0x..]
//                        [--party-key "subscriber|key=base64"] [--rpc URL] pack.zip
//
// The same file runs in a browser, on the page "Verify in my browser": the pack is read there and goes nowhere. Checks V1 to V10
// and exit codes 10 to 21 are those of docs/reference/evidence-pack.md. Hashes, Ed25519 and BLAKE2b are its own; of the platform
// it uses BigInt, typed arrays and DecompressionStream. Both verifiers must agree on every pack.

const TITLES = {
  V1: "Every payload shown is canonical and is what its leaf commits to",
  V2: "The entries are one chain without a gap",
  V3: "The leaves lead to every tree head",
  V4: "Every tree head extends the one before",
  V5: "The checkpoints are signed by the log and its witnesses",
  V6: "The parties signed their messages",
  V7: "The contract holds the heads and the settlements",
  V8: "The money follows from the readings",
  V9: "Manifests and meter records are complete",
  V10: "Statements supersede one another in one line",
};
const CANONICAL = 10, COMMITMENT = 11, CHAIN = 12, INCLUSION = 13, CONSISTENCY = 14, CHECKPOINT = 15;
const SIGNATURE = 16, ANCHOR = 17, AMOUNT = 18, MANIFEST = 19, SUPERSEDE = 20, INCOMPLETE = 21;
const RUNS = ["II", "SF", "R1", "R2", "R3", "RF", "DF"];
const MAX_DEPTH = 8, MAX_PAYLOAD = 65536, MAX_FAULTS = 20, MAX_FILE = 2 ** 31;
const utf8 = new TextEncoder();
const strictText = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

class Unreadable extends Error {}

// ---------------------------------------------------------------- bytes

const bytesOf = (text) => utf8.encode(text);
const hexOf = (bytes) => Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
const equal = (a, b) => a.length === b.length && a.every((one, i) => one === b[i]);

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function unhex(text) {
  if (typeof text !== "string" || text.length % 2 || !/^[0-9a-fA-F]*$/.test(text)) throw new RangeError(`${text} is no hex`);
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

// 32 bytes; anything else is no hash and gives none, which fits nothing.
const hashIn = (text) => (typeof text === "string" && /^[0-9a-f]{64}$/.test(text) ? unhex(text) : new Uint8Array(0));

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function base64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const word = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += ALPHABET[word >> 18] + ALPHABET[(word >> 12) & 63];
    text += (i + 1 < bytes.length ? ALPHABET[(word >> 6) & 63] : "=") + (i + 2 < bytes.length ? ALPHABET[word & 63] : "=");
  }
  return text;
}

const PLACE = Object.fromEntries([...ALPHABET].map((letter, i) => [letter, i]));

// Base64 in its one spelling; anything else gives nothing.
function unbase64(text) {
  if (typeof text !== "string" || text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return new Uint8Array(0);
  const bytes = new Uint8Array((text.length / 4) * 3);
  for (let i = 0, at = 0; i < text.length; i += 4) {
    const word = [0, 1, 2, 3].reduce((sum, k) => (sum << 6) | (PLACE[text[i + k]] ?? 0), 0);
    bytes[at++] = (word >> 16) & 255;
    bytes[at++] = (word >> 8) & 255;
    bytes[at++] = word & 255;
  }
  const found = bytes.subarray(0, bytes.length - (text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0));
  return base64(found) === text ? found : new Uint8Array(0);
}

// ---------------------------------------------------------------- hashes

const PRIMES = (() => {
  const found = [];
  for (let n = 2; found.length < 80; n++) if (found.every((p) => n % p)) found.push(n);
  return found;
})();

// The first `bits` bits of the fraction of a root of n, by whole numbers.
function rootBits(n, power, bits) {
  const wide = BigInt(n) << BigInt(power * bits);
  let low = 0n, high = 1n << BigInt(bits + 10);
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    if (middle ** BigInt(power) <= wide) low = middle;
    else high = middle - 1n;
  }
  return low & ((1n << BigInt(bits)) - 1n);
}

const K256 = Uint32Array.from(PRIMES.slice(0, 64), (p) => Number(rootBits(p, 3, 32)));
const H256 = Uint32Array.from(PRIMES.slice(0, 8), (p) => Number(rootBits(p, 2, 32)));
const K512 = PRIMES.map((p) => rootBits(p, 3, 64));
const H512 = PRIMES.slice(0, 8).map((p) => rootBits(p, 2, 64));
const W256 = new Uint32Array(64);

function sha256(...parts) {
  const message = parts.length === 1 ? parts[0] : joined(...parts);
  const blocks = (message.length + 72) >> 6;
  const padded = new Uint8Array(blocks * 64);
  padded.set(message);
  padded[message.length] = 128;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(message.length / 2 ** 29));
  view.setUint32(padded.length - 4, message.length << 3);
  const state = H256.slice();
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < 16; i++) W256[i] = view.getUint32(block * 64 + i * 4);
    for (let i = 16; i < 64; i++) {
      const x = W256[i - 15], y = W256[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      W256[i] = W256[i - 16] + s0 + W256[i - 7] + s1;
    }
    let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const one = (h + s1 + ((e & f) ^ (~e & g)) + K256[i] + W256[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + one) | 0;
      d = c;
      c = b;
      b = a;
      a = (one + two) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
  const out = new DataView(new ArrayBuffer(32));
  state.forEach((value, i) => out.setUint32(i * 4, value));
  return new Uint8Array(out.buffer);
}

const M64 = (1n << 64n) - 1n;
const turned = (x, n) => ((x >> BigInt(n)) | (x << BigInt(64 - n))) & M64;

function sha512(message) {
  const blocks = (message.length + 17 + 127) >> 7;
  const padded = new Uint8Array(blocks * 128);
  padded.set(message);
  padded[message.length] = 128;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(message.length) * 8n);
  const state = H512.slice();
  for (let block = 0; block < blocks; block++) {
    const w = Array.from({ length: 16 }, (_, i) => view.getBigUint64(block * 128 + i * 8));
    for (let i = 16; i < 80; i++) {
      const s0 = turned(w[i - 15], 1) ^ turned(w[i - 15], 8) ^ (w[i - 15] >> 7n);
      const s1 = turned(w[i - 2], 19) ^ turned(w[i - 2], 61) ^ (w[i - 2] >> 6n);
      w.push((w[i - 16] + s0 + w[i - 7] + s1) & M64);
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 80; i++) {
      const one = h + (turned(e, 14) ^ turned(e, 18) ^ turned(e, 41)) + ((e & f) ^ (~e & M64 & g)) + K512[i] + w[i];
      const two = (turned(a, 28) ^ turned(a, 34) ^ turned(a, 39)) + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) & M64, c, b, a, (one + two) & M64];
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => (state[i] = (state[i] + value) & M64));
  }
  const out = new DataView(new ArrayBuffer(64));
  state.forEach((value, i) => out.setBigUint64(i * 8, value));
  return new Uint8Array(out.buffer);
}

const SIGMA = [
  "0123456789abcdef", "ea489fd61c02b753", "b8c052fdae367194", "7931dcbe265a40f8", "905724afe1bc683d",
  "2c6a0b834d75fe19", "c51fed4a0763928b", "db7ec13950f4862a", "6fe9b308c2d714a5", "a2847615fb9e3cd0",
  "0123456789abcdef", "ea489fd61c02b753",
].map((row) => [...row].map((digit) => parseInt(digit, 16)));
const MIXED = [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15], [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]];

// BLAKE2b-512 without a key (RFC 7693).
function blake2b(message) {
  const state = H512.slice();
  state[0] ^= 0x01010040n;
  const blocks = Math.max(1, (message.length + 127) >> 7);
  const padded = new Uint8Array(blocks * 128);
  padded.set(message);
  const view = new DataView(padded.buffer);
  for (let block = 0; block < blocks; block++) {
    const last = block === blocks - 1;
    const m = Array.from({ length: 16 }, (_, i) => view.getBigUint64(block * 128 + i * 8, true));
    const v = [...state, ...H512];
    v[12] ^= BigInt(last ? message.length : (block + 1) * 128);
    if (last) v[14] ^= M64;
    for (const order of SIGMA) {
      MIXED.forEach(([a, b, c, d], i) => {
        v[a] = (v[a] + v[b] + m[order[2 * i]]) & M64;
        v[d] = turned(v[d] ^ v[a], 32);
        v[c] = (v[c] + v[d]) & M64;
        v[b] = turned(v[b] ^ v[c], 24);
        v[a] = (v[a] + v[b] + m[order[2 * i + 1]]) & M64;
        v[d] = turned(v[d] ^ v[a], 16);
        v[c] = (v[c] + v[d]) & M64;
        v[b] = turned(v[b] ^ v[c], 63);
      });
    }
    for (let i = 0; i < 8; i++) state[i] ^= v[i] ^ v[i + 8];
  }
  const out = new DataView(new ArrayBuffer(64));
  state.forEach((value, i) => out.setBigUint64(i * 8, value, true));
  return new Uint8Array(out.buffer);
}

// ---------------------------------------------------------------- Ed25519 (RFC 8032)

const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const mod = (x) => ((x % P) + P) % P;

function power(base, exponent) {
  let found = 1n, square = mod(base);
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) found = (found * square) % P;
    square = (square * square) % P;
  }
  return found;
}

const D = mod(-121665n * power(121666n, P - 2n));
const ROOT = power(2n, (P - 1n) / 4n);
const NEUTRAL = [0n, 1n, 1n, 0n];

function plus([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = ((y1 - x1) * (y2 - x2)) % P, b = ((y1 + x1) * (y2 + x2)) % P;
  const c = (2n * ((t1 * t2) % P) * D) % P, d = (2n * z1 * z2) % P;
  const e = b - a, f = d - c, g = d + c, h = b + a;
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function times(scalar, point) {
  let found = NEUTRAL, twice = point;
  for (let s = scalar; s > 0n; s >>= 1n) {
    if (s & 1n) found = plus(found, twice);
    twice = plus(twice, twice);
  }
  return found;
}

const samePoint = (a, b) => mod(a[0] * b[2] - b[0] * a[2]) === 0n && mod(a[1] * b[2] - b[1] * a[2]) === 0n;
const littleEndian = (bytes) => bytes.reduceRight((sum, one) => (sum << 8n) | BigInt(one), 0n);

function pointIn(bytes) {
  const value = littleEndian(bytes);
  const sign = value >> 255n, y = value & ((1n << 255n) - 1n);
  if (y >= P) return null;
  const square = mod((y * y - 1n) * power(D * y * y + 1n, P - 2n));
  let x = power(square, (P + 3n) / 8n);
  if (mod(x * x - square)) x = (x * ROOT) % P;
  if (mod(x * x - square) || (x === 0n && sign)) return null;
  if ((x & 1n) !== sign) x = P - x;
  return [x, y, 1n, (x * y) % P];
}

const BASE = (() => {
  const y = mod(4n * power(5n, P - 2n));
  return pointIn(Uint8Array.from({ length: 32 }, (_, i) => Number((y >> BigInt(8 * i)) & 255n)));
})();

export function ed25519(key, message, signature) {
  if (key.length !== 32 || signature.length !== 64) return false;
  const a = pointIn(key), r = pointIn(signature.subarray(0, 32)), s = littleEndian(signature.subarray(32));
  if (!a || !r || s >= ORDER || samePoint(times(8n, a), NEUTRAL)) return false;
  const h = littleEndian(sha512(joined(signature.subarray(0, 32), key, message))) % ORDER;
  return samePoint(times(s, BASE), plus(r, times(h, a)));
}

// ---------------------------------------------------------------- exact numbers

const gcd = (a, b) => (b ? gcd(b, a % b) : a < 0n ? -a : a);
const ratio = (n, d = 1n) => {
  if (d === 0n) throw new RangeError("a division by zero");
  const by = gcd(n, d) || 1n;
  return d < 0n ? { n: -n / by, d: -d / by } : { n: n / by, d: d / by };
};
const ZERO = ratio(0n);
const sum = (a, b) => ratio(a.n * b.d + b.n * a.d, a.d * b.d);
const minus = (a, b) => ratio(a.n * b.d - b.n * a.d, a.d * b.d);
const product = (a, b) => ratio(a.n * b.n, a.d * b.d);
const less = (a, b) => a.n * b.d < b.n * a.d;
const alike = (a, b) => a.n === b.n && a.d === b.d;
const floored = (n, d) => (n - (((n % d) + d) % d)) / d;

function nearest(n, d) {
  const down = floored(n, d), rest = n - down * d;
  return 2n * rest > d || (2n * rest === d && down & 1n) ? down + 1n : down;
}

function whole(value) {
  if (Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === "string" && /^-?\d+$/.test(value)) return BigInt(value);
  throw new TypeError(`${value} is no whole number`);
}

function exact(value) {
  if (Number.isSafeInteger(value)) return ratio(BigInt(value));
  const match = typeof value === "string" ? /^(-?)(\d+)(?:\.(\d+))?$/.exec(value) : null;
  if (!match) throw new TypeError(`${value} is no number`);
  const digits = BigInt(match[2] + (match[3] ?? ""));
  return ratio(match[1] ? -digits : digits, 10n ** BigInt((match[3] ?? "").length));
}

const pence = (pounds) => nearest(pounds.n * 100n, pounds.d);
const wh = (value) => {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${value} is no energy`);
  return BigInt(value);
};

// ---------------------------------------------------------------- JSON of the profile

// JSON of whole numbers and texts: a fraction or an exponent is refused, because no two readers read it alike.
function parsed(text) {
  const value = JSON.parse(text);
  if (/[0-9][.eE]/.test(text) && /[0-9][.eE]/.test(text.replace(/"(?:[^"\\]|\\.)*"/g, '""'))) throw new SyntaxError("a number is not whole");
  return value;
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

function spelled(value) {
  if (Array.isArray(value)) return `[${value.map(spelled).join(",")}]`;
  if (value !== null && typeof value === "object")
    return `{${Object.keys(value).sort(compare).map((key) => `${JSON.stringify(key)}:${spelled(value[key])}`).join(",")}}`;
  return JSON.stringify(value);
}

function outsideProfile(value, depth = 1) {
  if (typeof value === "boolean") return false;
  if (typeof value === "string") return /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(value);
  if (typeof value === "number") return !Number.isSafeInteger(value);
  if (value === null || depth > MAX_DEPTH) return true;
  if (Array.isArray(value)) return value.some((one) => outsideProfile(one, depth + 1));
  return Object.entries(value).some(([key, one]) => !/^[ -~]+$/.test(key) || outsideProfile(one, depth + 1));
}

function isCanonical(text) {
  try {
    const value = parsed(text);
    return isObject(value) && !outsideProfile(value) && spelled(value) === text;
  } catch {
    return false;
  }
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// ---------------------------------------------------------------- the zip file

class Pack {
  static async open(data) {
    const pack = new Pack();
    pack.data = data;
    pack.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    pack.files = pack.directory();
    pack.about = parsedFile(await pack.text("pack.json"), "pack.json");
    if (!isObject(pack.about) || pack.about.format !== "caco-pack/1") throw new Unreadable("pack.json does not say that this is a caco-pack/1");
    for (const name of pack.about.sections ?? []) if (!pack.has(name)) throw new Unreadable(`pack.json promises ${name}, which is missing`);
    return pack;
  }

  directory() {
    let end = this.data.length - 22;
    while (end >= 0 && this.view.getUint32(end, true) !== 0x06054b50) end--;
    if (end < 0) throw new Unreadable("the pack is no zip file");
    const found = new Map();
    let count = this.view.getUint16(end + 10, true), at = this.view.getUint32(end + 16, true);
    if (count === 0xffff || at === 0xffffffff) {
      const far = this.view.getUint32(end - 20, true) === 0x07064b50 ? Number(this.view.getBigUint64(end - 12, true)) : -1;
      if (far < 0) throw new Unreadable("the pack is no zip file that can be read here");
      count = Number(this.view.getBigUint64(far + 32, true));
      at = Number(this.view.getBigUint64(far + 48, true));
    }
    for (let i = 0; i < count; i++) {
      if (this.view.getUint32(at, true) !== 0x02014b50) throw new Unreadable("the pack's list of files cannot be read");
      const [name, extra, note] = [28, 30, 32].map((place) => this.view.getUint16(at + place, true));
      const text = strictText.decode(this.data.subarray(at + 46, at + 46 + name));
      const one = { method: this.view.getUint16(at + 10, true), crc: this.view.getUint32(at + 16, true), packed: this.view.getUint32(at + 20, true), size: this.view.getUint32(at + 24, true), at: this.view.getUint32(at + 42, true) };
      if (one.size > MAX_FILE || one.packed > MAX_FILE) throw new Unreadable(`${text} is larger than can be read here`);
      if (found.has(text)) throw new Unreadable("the pack holds two files of one name");
      found.set(text, one);
      at += 46 + name + extra + note;
    }
    return found;
  }

  has(name) {
    return this.files.has(name);
  }

  named(start) {
    return [...this.files.keys()].filter((name) => name.startsWith(start)).sort(compare);
  }

  async bytes(name) {
    const file = this.files.get(name);
    if (!file) throw new Unreadable(`${name} is missing`);
    try {
      const begins = file.at + 30 + this.view.getUint16(file.at + 26, true) + this.view.getUint16(file.at + 28, true);
      const packed = this.data.subarray(begins, begins + file.packed);
      const plain = file.method === 8 ? await inflated(packed) : packed;
      if (plain.length !== file.size || crc32(plain) !== file.crc) throw new Error("it is damaged");
      return plain;
    } catch (problem) {
      throw new Unreadable(`${name} cannot be read: ${problem.message}`);
    }
  }

  async text(name) {
    try {
      return strictText.decode(await this.bytes(name));
    } catch (problem) {
      throw problem instanceof Unreadable ? problem : new Unreadable(`${name} is no text`);
    }
  }

  async value(name) {
    return parsedFile(await this.text(name), name);
  }

  async *lines(name) {
    if (!this.has(name)) return;
    const text = await this.text(name);
    let number = 0;
    for (let at = 0; at < text.length; ) {
      const end = text.indexOf("\n", at);
      const line = text.slice(at, end < 0 ? text.length : end);
      at = end < 0 ? text.length : end + 1;
      yield parsedFile(line, `${name} line ${++number}`);
    }
  }
}

function parsedFile(text, where) {
  try {
    return parsed(text);
  } catch (problem) {
    throw new Unreadable(`${where} is not JSON of whole numbers and texts: ${problem.message}`);
  }
}

async function inflated(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function crc32(bytes) {
  let found = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) found = CRC[(found ^ bytes[i]) & 255] ^ (found >>> 8);
  return (found ^ 0xffffffff) >>> 0;
}

// ---------------------------------------------------------------- the report

class Check {
  constructor(name) {
    Object.assign(this, { name, counted: 0, faults: [], notes: [], absent: "" });
  }

  fault(code, what, where = {}) {
    this.faults.push({ code, what, ...where });
  }

  get status() {
    return this.faults.length ? "failed" : this.absent ? "not_in_pack" : "held";
  }

  get code() {
    return this.faults.reduce((least, one) => Math.min(least || one.code, one.code), 0);
  }

  told() {
    const { name, status, code, counted, notes } = this;
    const faults = this.faults.slice(0, MAX_FAULTS);
    const why = this.absent ? { why: this.absent } : {};
    return { check: name, title: TITLES[name], status, code, counted, faults, more_faults: this.faults.length - faults.length, notes, ...why };
  }
}

// ---------------------------------------------------------------- trees

const LEAF = Uint8Array.of(0), NODE = Uint8Array.of(1), EMPTY = sha256(new Uint8Array(0));
const above = (left, right) => sha256(NODE, left, right);

// The root over any number of hashes, by halving at the largest power of two below it.
class Tree {
  constructor() {
    this.size = 0;
    this.ranges = [];
  }

  add(hash) {
    this.ranges.push([1, hash]);
    this.size += 1;
    for (let n = this.ranges.length; n > 1 && this.ranges[n - 1][0] === this.ranges[n - 2][0]; n = this.ranges.length) {
      const [width, right] = this.ranges.pop(), [, left] = this.ranges.pop();
      this.ranges.push([2 * width, above(left, right)]);
    }
  }

  root() {
    if (!this.size) return EMPTY;
    return this.ranges.map(([, hash]) => hash).reduceRight((right, left) => above(left, right));
  }
}

// RFC 9162 2.1.3.2, by recursion from the root down: which half, and what the other half's hash is.
function included(leaf, index, size, path, root) {
  const walk = (at, width, rest) => {
    if (width === 1) return rest.length ? null : leaf;
    if (!rest.length) return null;
    const half = 2 ** Math.floor(Math.log2(width - 1));
    const sibling = rest[rest.length - 1], inner = rest.slice(0, -1);
    const child = at < half ? walk(at, half, inner) : walk(at - half, width - half, inner);
    return child && (at < half ? above(child, sibling) : above(sibling, child));
  };
  if (!(index >= 0 && index < size)) return false;
  const found = walk(index, size, path);
  return found !== null && equal(found, root);
}

// RFC 9162 2.1.4.2 the same way: (old root, new root) of a subtree from its part of the proof.
function consistent(oldSize, oldRoot, size, root, proof) {
  if (!(oldSize >= 0 && oldSize <= size)) return false;
  if (oldSize === 0) return !proof.length && equal(oldRoot, EMPTY);
  if (oldSize === size) return !proof.length && equal(oldRoot, root);
  const rest = proof.slice();
  const walk = (old, width, isWhole) => {
    if (old === width) {
      const hash = isWhole ? oldRoot : rest.shift();
      return hash ? [hash, hash] : null;
    }
    const half = 2 ** Math.floor(Math.log2(width - 1));
    if (old <= half) {
      const left = walk(old, half, isWhole), right = rest.shift();
      return left && right ? [left[0], above(left[1], right)] : null;
    }
    const right = walk(old - half, width - half, false), left = rest.shift();
    return right && left ? [above(left, right[0]), above(left, right[1])] : null;
  };
  const found = walk(oldSize, size, true);
  return found !== null && !rest.length && equal(found[0], oldRoot) && equal(found[1], root);
}

// ---------------------------------------------------------------- V1 payloads

const LEAF_MEMBERS = { at: "string", party_commits: "list", payload_commit: "string", prev: "string", refs: "list", seq: "whole", type: "string", v: "whole" };
const kindOf = (value) => (Array.isArray(value) ? "list" : Number.isSafeInteger(value) ? "whole" : typeof value);

function leafIn(text, check, number) {
  try {
    const leaf = parsed(text);
    const names = Object.keys(leaf).sort(compare).join();
    const fits = isObject(leaf) && names === Object.keys(LEAF_MEMBERS).join() && Object.entries(LEAF_MEMBERS).every(([name, kind]) => kindOf(leaf[name]) === kind);
    const lists = fits && [...leaf.party_commits, ...leaf.refs].every((one) => typeof one === "string");
    if (!lists || ![1, 2].includes(leaf.v) || outsideProfile(leaf) || spelled(leaf) !== text) throw new Error("it is not a leaf in canonical form");
    return { ...leaf, hash: sha256(LEAF, bytesOf(text)), shown: false };
  } catch (problem) {
    check.fault(CANONICAL, `the leaf on line ${number} of entries.jsonl cannot be used: ${problem.message}`, { line: number });
    return null;
  }
}

async function checkPayloads(pack, leaves, check) {
  const kept = new Map();
  for await (const line of pack.lines("payloads.jsonl")) {
    check.counted += 1;
    const leaf = isObject(line) ? leaves.get(line.seq) : undefined;
    if (!leaf) {
      check.fault(INCOMPLETE, `a payload is shown of entry ${line?.seq ?? "?"}, which is not in the pack`);
      continue;
    }
    if (leaf.shown) {
      check.fault(INCOMPLETE, `entry ${leaf.seq} is shown twice`, { seq: leaf.seq });
      continue;
    }
    leaf.shown = true;
    for (const [code, what] of payloadFaults(line, leaf)) check.fault(code, `entry ${leaf.seq} (${leaf.type}): ${what}`, { seq: leaf.seq });
    try {
      const told = JSON.parse(line.payload);
      if (isObject(told)) kept.set(leaf.seq, { ...line, told, type: leaf.type, at: leaf.at });
    } catch {
      continue; // it is a fault already
    }
  }
  if (pack.about.opened === "all")
    for (const leaf of leaves.values()) if (!leaf.shown) check.fault(INCOMPLETE, `the payload of entry ${leaf.seq} (${leaf.type}) is missing`, { seq: leaf.seq });
  return kept;
}

function payloadFaults(line, leaf) {
  const found = [];
  let salt, payload, due;
  try {
    if (typeof line.payload !== "string" || typeof line.subject !== "string") throw new TypeError("a text is missing");
    salt = unhex(line.salt);
    payload = bytesOf(line.payload);
    const numbers = line.org_seqs ?? [];
    if (leaf.v === 1) due = line.parties.map((party) => sha256(bytesOf("caco/party/v1\0"), salt, bytesOf(String(whole(party)))));
    else due = line.parties.slice(0, numbers.length).map((party, i) => sha256(bytesOf("caco/party-seq/v1\0"), salt, bytesOf(`${whole(party)}:${whole(numbers[i])}`)));
    if (leaf.v !== 1 && line.parties.length !== numbers.length) found.push([COMMITMENT, "it does not number each of its parties"]);
  } catch (problem) {
    return [[COMMITMENT, `payload and salt cannot be read: ${problem.message}`]];
  }
  if (salt.length !== 32 || hexOf(sha256(bytesOf(`caco/v1/${leaf.type}\0`), salt, payload)) !== leaf.payload_commit) found.push([COMMITMENT, "payload and salt do not give the commitment in the leaf"]);
  else if (payload.length > MAX_PAYLOAD || !isCanonical(line.payload)) found.push([CANONICAL, "the payload is not in canonical form"]);
  const about = line.subject ? [hexOf(sha256(bytesOf("caco/ref/v1\0"), salt, bytesOf(line.subject)))] : [];
  const parties = due.map(hexOf).sort(compare);
  if (about.join() !== leaf.refs.join() || parties.join() !== leaf.party_commits.join()) found.push([COMMITMENT, "subject or parties are not those the leaf commits to"]);
  return found;
}

// ---------------------------------------------------------------- V2, V3 entries, V4 heads

async function readHeads(pack, check) {
  const heads = [];
  let number = 0, size = 0, root = EMPTY;
  for await (const line of pack.lines("heads.jsonl")) {
    if (!isObject(line) || !Number.isSafeInteger(line.number) || !Number.isSafeInteger(line.size) || !hashIn(line.root).length || !Array.isArray(line.proof)) throw new Unreadable(`line ${heads.length + 1} of heads.jsonl is no head`);
    check.counted += 1;
    const proof = line.proof.map(hashIn);
    if (line.number !== number + 1) check.fault(CONSISTENCY, `head ${number + 1} is missing`, { head: number + 1 });
    else if (proof.some((one) => !one.length) || line.size <= size || !consistent(size, root, line.size, hashIn(line.root), proof)) check.fault(CONSISTENCY, `head ${line.number} does not extend head ${number}`, { head: line.number });
    [number, size, root] = [line.number, line.size, hashIn(line.root)];
    heads.push(line);
  }
  if (number !== pack.about.head || size !== pack.about.size) check.fault(INCOMPLETE, `pack.json says head ${pack.about.head} over ${pack.about.size}, and the last head is ${number} over ${size}`);
  if (!heads.length) check.absent = "the pack holds no tree head: nothing was anchored yet";
  return heads;
}

async function readEntries(pack, heads, v1, v2, v3) {
  const isWhole = pack.about.leaves === "all";
  const noted = pack.named("checkpoints/").map((name) => name.split("/")[1]).filter((name) => /^\d+$/.test(name)).map(Number);
  const wanted = new Set([...heads.map((head) => head.size), ...noted]);
  const tree = new Tree(), roots = new Map([[0, EMPTY]]), leaves = new Map();
  let last = null, number = 0;
  for await (const line of pack.lines("entries.jsonl")) {
    number += 1;
    const leaf = leafIn(isObject(line) ? line.leaf : undefined, v1, number);
    if (!leaf) {
      last = null;
      continue;
    }
    v2.counted += 1;
    v3.counted += 1;
    const fault = linkFault(leaf, last, isWhole, number - 1);
    for (const what of fault) v2.fault(CHAIN, what, { seq: leaf.seq });
    if (isWhole) {
      tree.add(leaf.hash);
      if (wanted.has(tree.size)) roots.set(tree.size, tree.root());
    } else {
      const top = heads[heads.length - 1], path = (line.path ?? []).map(hashIn);
      if (!top || !included(leaf.hash, leaf.seq, top.size, path, hashIn(top.root))) v3.fault(INCLUSION, `entry ${leaf.seq} (${leaf.type}) is not in the tree of the pack's head`, { seq: leaf.seq });
    }
    leaves.set(leaf.seq, leaf);
    last = leaf;
  }
  if (isWhole) {
    if (tree.size !== pack.about.size) v2.fault(CHAIN, `the pack holds ${tree.size} entries, and its head is over ${pack.about.size}`);
    for (const head of heads) if (!equal(roots.get(head.size) ?? [], hashIn(head.root))) v3.fault(INCLUSION, `head ${head.number} is not the root over the first ${head.size} leaves`, { head: head.number });
  }
  return [leaves, roots];
}

function linkFault(leaf, last, isWhole, index) {
  const found = [];
  if (isWhole && leaf.seq !== index) found.push(`entry ${index} is due, and entry ${leaf.seq} stands there`);
  else if (last && leaf.seq <= last.seq) found.push(`entry ${leaf.seq} stands after entry ${last.seq}`);
  if (last && leaf.v < last.v) found.push(`entry ${leaf.seq} has a leaf of an older version than the one before`);
  const before = leaf.seq === 0 ? "0".repeat(64) : last && last.seq === leaf.seq - 1 ? hexOf(last.hash) : null;
  if (before !== null && leaf.prev !== before) found.push(`entry ${leaf.seq} (${leaf.type}) does not link to the entry before it`);
  return found;
}

const inOrder = (kept) => [...kept.entries()].sort(([a], [b]) => a - b);

function checkNumbers(pack, kept, check) {
  const everything = pack.about.opened === "all" && pack.about.leaves === "all";
  const complete = new Set(pack.about.complete_for ?? []), due = new Map();
  let any = false;
  for (const [seq, one] of inOrder(kept)) {
    (one.parties ?? []).slice(0, (one.org_seqs ?? []).length).forEach((party, i) => {
      any = true;
      const number = one.org_seqs[i], wanted = due.get(party) ?? 1;
      if ((everything || complete.has(party)) && number !== wanted) check.fault(CHAIN, `entry ${seq} is number ${number} of organisation ${party}, and ${wanted} is due`, { seq });
      else if (number < wanted) check.fault(CHAIN, `entry ${seq} is number ${number} of organisation ${party}, which came already`, { seq });
      due.set(party, number + 1);
    });
  }
  if (!any) check.notes.push("not_in_pack: no entry shown has a number within its organisations (org_seq)");
  else if (!everything && !complete.size) check.notes.push("not_in_pack: only some entries are shown, so that gaps within an organisation cannot be seen");
}

async function checkTiles(pack, leaves, check) {
  const tiles = pack.named("tile/");
  let level = [...leaves.keys()].sort((a, b) => a - b).map((seq) => leaves.get(seq).hash);
  for (let height = 0; tiles.length && height < 64; height++) {
    const mine = tiles.filter((name) => name.startsWith(`tile/${height}/`));
    if (!mine.length) break;
    for (const name of mine) {
      const match = /^tile\/\d+\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,3}))?$/.exec(name);
      const first = match ? Number(match[1].replace(/[x/]/g, "")) * 256 : -1;
      const due = match ? joined(...level.slice(first, first + Number(match[2] ?? 256))) : [];
      if (!due.length || !equal(await pack.bytes(name), due)) check.fault(INCLUSION, `${name} does not hold the hashes that follow from the leaves`, { tile: name });
    }
    const next = [];
    for (let i = 0; i + 256 <= level.length; i += 256) {
      const tree = new Tree();
      level.slice(i, i + 256).forEach((hash) => tree.add(hash));
      next.push(tree.root());
    }
    level = next;
  }
}

// ---------------------------------------------------------------- V5 checkpoints

function keyIn(text) {
  const match = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()), raw = match ? unbase64(match[3]) : [];
  const key = match && { name: match[1], id: match[2], algorithm: raw[0], key: raw.subarray(1) };
  const due = key && hexOf(sha256(bytesOf(`${key.name}\n`), raw)).slice(0, 8);
  if (!key || raw.length !== 33 || ![1, 4].includes(raw[0]) || due !== key.id) throw new Unreadable(`${text.slice(0, 80)} is no verifier key`);
  return key;
}

async function checkCheckpoints(pack, heads, roots, given, check) {
  const names = pack.named("checkpoints/");
  if (!names.length || !pack.has("log.vkey")) {
    check.absent = "the pack holds no signed checkpoint";
    if (given.logKey || names.length) check.fault(CHECKPOINT, "checkpoints and the log's key belong together, and one of them is missing");
    return;
  }
  let log = keyIn(await pack.text("log.vkey"));
  if (given.logKey) {
    const known = keyIn(given.logKey);
    if (known.id !== log.id || known.name !== log.name || !equal(known.key, log.key)) check.fault(CHECKPOINT, "the pack's log key is not the one you gave");
    log = known;
  } else check.notes.push(`the log's key is the pack's own word (${log.name}+${log.id}); give yours with --log-key`);
  const witnesses = pack.has("witnesses.vkeys") ? (await pack.text("witnesses.vkeys")).split("\n").filter((line) => line.trim()).map(keyIn) : [];
  const known = new Map([...roots, ...heads.map((head) => [head.size, hashIn(head.root)])]);
  for (const name of names) {
    check.counted += 1;
    for (const what of noteFaults(await pack.bytes(name), log, witnesses, known, pack.about.log_id)) check.fault(CHECKPOINT, `${name}: ${what}`, { file: name });
  }
  if (!names.includes(`checkpoints/${pack.about.size}`)) check.fault(CHECKPOINT, "no checkpoint is over the pack's own head");
  if (!witnesses.length) check.notes.push("not_in_pack: no witness's key, so that no cosignature was looked at");
}

function noteFaults(raw, log, witnesses, roots, origin) {
  let note;
  try {
    note = strictText.decode(raw);
  } catch {
    return [`it is no checkpoint of ${origin}`];
  }
  const cut = note.indexOf("\n\n"), body = cut < 0 ? note : note.slice(0, cut), lines = body.split("\n");
  if (lines.length < 3 || lines[0] !== origin || !/^(0|[1-9]\d*)$/.test(lines[1])) return [`it is no checkpoint of ${origin}`];
  const found = [];
  if (!equal(roots.get(Number(lines[1])) ?? [1], unbase64(lines[2]))) found.push(`its root is not that of the first ${lines[1]} entries`);
  const signed = (cut < 0 ? "" : note.slice(cut + 2)).split("\n").map((line) => /^— (\S+) (\S+)$/.exec(line)).filter(Boolean).map((match) => [match[1], unbase64(match[2])]);
  const of = (key) => signed.filter(([name, bytes]) => name === key.name && hexOf(bytes.subarray(0, 4)) === key.id).map(([, bytes]) => bytes);
  const text = bytesOf(`${body}\n`), own = of(log);
  if (!own.length || !own.every((bytes) => ed25519(log.key, text, bytes.subarray(4)))) found.push("it is not signed by the log's key");
  for (const witness of witnesses)
    for (const bytes of of(witness)) {
      const time = bytes.subarray(4, 12).reduce((sum, one) => (sum << 8n) | BigInt(one), 0n);
      if (!ed25519(witness.key, joined(bytesOf(`cosignature/v1\ntime ${time}\n`), text), bytes.subarray(12))) found.push(`the cosignature of ${witness.name} does not hold`);
    }
  return found;
}

// ---------------------------------------------------------------- V6 messages

const HEADER = /^Signature +keyId *= *"([^"\\|]+)\|([^"\\|]+)\|ed25519" *, *algorithm *= *"ed25519" *, *created *= *"([1-9]\d{0,9})" *, *expires *= *"([1-9]\d{0,9})" *, *headers *= *"\(created\) +\(expires\) +digest( +request-signature)?" *, *signature *= *"([^"\\]+)" *$/;
const SECOND = 1000000;

async function checkMessages(pack, kept, given, check) {
  if (!pack.has("beckn.jsonl")) {
    check.absent = "the pack holds no messages: only the parties to them may show them";
    return;
  }
  const known = new Map(Object.entries(given.partyKeys ?? {})), digests = new Set();
  for await (const line of pack.lines("beckn.jsonl")) {
    check.counted += 1;
    let what;
    try {
      what = messageFault(line, known);
    } catch (problem) {
      what = `it cannot be read: ${problem.message}`;
    }
    digests.add(hexOf(blake2b(unbase64(line?.raw))));
    if (what) check.fault(SIGNATURE, `message ${check.counted} (${line?.action} of ${line?.subscriber_id}): ${what}`, { line: check.counted });
  }
  const named = [...kept.values()].map((one) => one.told.request_blake2b512).filter((one) => one !== undefined);
  const absent = named.filter((one) => !digests.has(one)).length;
  if (named.length) check.notes.push(`${named.length - absent} entries name the signed request they follow from, and it is here`);
  if (absent) check.notes.push(`not_in_pack: the requests that ${absent} entries name`);
  if (!given.partyKeys) check.notes.push("the parties' keys are the pack's own word, as the registry gave them then; give yours with --party-key");
}

function messageFault(line, known) {
  const header = HEADER.exec(line.authorization), raw = unbase64(line.raw), at = micros(line.at);
  if (typeof line.public_key !== "string" || !header || header[1] !== line.subscriber_id) return "its signature is not one of its sender";
  const name = `${header[1]}|${header[2]}`;
  if (!known.has(name)) known.set(name, line.public_key);
  if (known.get(name) !== line.public_key) return `${name} is shown with another key than the one known`;
  const created = Number(header[3]), expires = Number(header[4]);
  if (!(created < expires && expires <= created + 3660) || at < (created - 5) * SECOND || at > expires * SECOND) return "its signature was not in force when it came";
  if (line.valid_from !== undefined && (at < micros(line.valid_from) || at > micros(line.valid_until))) return "its key was not valid when it came";
  const digest = base64(blake2b(raw)), key = unbase64(line.public_key), value = unbase64(header[6]);
  const chains = header[5] ? (line.answering ?? []).map((one) => `\nrequest-signature: ${one}`) : [""];
  for (const label of ["BLAKE-512", "BLAKE2b-512"])
    for (const chain of chains) if (ed25519(key, bytesOf(`(created): ${created}\n(expires): ${expires}\ndigest: ${label}=${digest}${chain}`), value)) return "";
  return "the signature does not fit its bytes and its sender's key";
}

// ---------------------------------------------------------------- V7 the chain

const ANCHORED = "0x45ef56a72880233a8b623853acd34f76e6bf8a421163a5e65ea2b49870e8189f";
const RECORDED = "0xfacb5b4282f6cb77120dc69d36993ae5bdaf9eca55a89370fc455d91cf44cda7";
const long = (number) => {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(number));
  return new Uint8Array(view.buffer);
};

async function checkAnchors(pack, heads, kept, given, check) {
  const anchors = pack.has("anchors.json") ? await pack.value("anchors.json") : { state: "NO_CHAIN" };
  if (!isObject(anchors) || anchors.state !== "ANCHORED") {
    check.absent = `the pack's heads are on no chain (${anchors?.state})`;
    if (given.contract || given.rpc || given.anchorKey) check.fault(ANCHOR, "the pack names no contract, and you gave one");
    return;
  }
  for (const [name, wanted] of Object.entries({ contract: given.contract?.toLowerCase(), chain_id: given.chainId, sender: given.anchorKey?.toLowerCase() })) {
    const said = typeof anchors[name] === "string" ? anchors[name].toLowerCase() : anchors[name];
    if (wanted && said !== wanted) check.fault(ANCHOR, `the pack's ${name} is ${anchors[name]}, and you gave ${wanted}`);
  }
  if (!given.contract) check.notes.push(`contract ${anchors.contract} on chain ${anchors.chain_id} is the pack's own word; give yours with --contract`);
  let logs;
  try {
    logs = anchors.logs.map((log) => logIn(log, anchors));
  } catch (problem) {
    check.fault(ANCHOR, `a log of the contract cannot be read: ${problem.message}`);
    return;
  }
  check.counted = logs.length;
  for (const one of logs) if (one.why) check.fault(ANCHOR, `${one.why} (transaction ${one.tx})`);
  if (logs.some((one, i) => i && (logs[i - 1].block > one.block || (logs[i - 1].block === one.block && logs[i - 1].index > one.index)))) check.fault(ANCHOR, "the contract's logs are not in their order");
  headFaults(pack.about.log_id, heads, logs.filter((one) => one.topics[0] === ANCHORED.slice(2)), check);
  await recordFaults(pack, kept, logs.filter((one) => one.topics[0] === RECORDED.slice(2)), check);
  if (given.rpc) await rpcFaults(given.rpc, anchors, check);
  else check.notes.push("the contract's logs are the pack's own word; ask a chain of your choice with --rpc");
}

function logIn(log, anchors) {
  const contract = anchors.contract.toLowerCase();
  const sent = anchors.transactions.find((one) => one.hash === log.transactionHash);
  const block = anchors.blocks.find((one) => one.number === log.blockNumber);
  let why = "";
  if (log.address.toLowerCase() !== contract) why = `a log stands at another contract, ${log.address}`;
  else if (!sent || sent.from.toLowerCase() !== anchors.sender.toLowerCase() || sent.to.toLowerCase() !== contract) why = "it was not sent to the contract by the log's own key";
  else if (block?.hash !== log.blockHash) why = "its block is not among the pack's blocks";
  const words = log.data.slice(2).match(/.{1,64}/g) ?? [];
  return { why, words, tx: log.transactionHash, topics: log.topics.map((one) => one.slice(2)), block: Number(log.blockNumber), index: Number(log.logIndex) };
}

function headFaults(logId, heads, logs, check) {
  const said = new Map(logs.map((one) => [Number(`0x${one.topics[1]}`), one]));
  let acc = hexOf(sha256(bytesOf(logId))), size = 0;
  if (said.size !== logs.length) check.fault(ANCHOR, "the contract is said to have accepted one head twice");
  for (const head of heads) {
    const one = said.get(head.number);
    said.delete(head.number);
    if (!one) {
      check.fault(ANCHOR, `the contract is not shown to have accepted head ${head.number}`, { head: head.number });
      continue;
    }
    const [before, over] = one.words.slice(0, 2).map((word) => Number(`0x${word}`));
    acc = hexOf(sha256(unhex(acc), long(head.number), long(over), unhex(one.words[2])));
    if (before !== size || over !== head.size || one.words[2] !== head.root) check.fault(ANCHOR, `the contract accepted another head ${head.number} than the pack's`, { head: head.number });
    else if (one.words[3] !== acc) check.fault(ANCHOR, `the contract's running hash at head ${head.number} is not that of its heads`, { head: head.number });
    [acc, size] = [one.words[3], over];
  }
  for (const number of said.keys()) check.fault(ANCHOR, `the contract accepted a head ${number} that the pack lacks`, { head: number });
}

const statementsOf = (kept) => inOrder(kept).filter(([, one]) => one.type === "settlement.statement");

async function recordFaults(pack, kept, logs, check) {
  const said = new Map(logs.map((one) => [one.topics[1], one])), keys = new Map();
  const payloads = new Map(statementsOf(kept).map(([, one]) => [one.told.statement, one.payload]));
  const waiting = new Set(payloads.keys());
  for await (const record of pack.lines("records.jsonl")) {
    let key, due;
    const name = record?.statement;
    try {
      if (!payloads.has(name)) {
        check.fault(ANCHOR, `a record is shown of statement ${name}, which is not in the pack`, { statement: name });
        continue;
      }
      const salt = unhex(record.salt), sid = sha256(bytesOf(`caco/sid/v1${pack.about.log_id}`), salt, unhex(name.replaceAll("-", "")));
      if (typeof record.run !== "string" || typeof record.supersedes !== "string" || !/^[\x00-\x7f]*$/.test(record.run)) throw new TypeError("run or predecessor is missing");
      key = hexOf(sha256(sid, bytesOf(record.run)));
      keys.set(name, key);
      waiting.delete(name);
      const before = keys.get(record.supersedes_statement) || record.supersedes || "0".repeat(64);
      due = [hexOf(sid), before, hexOf(bytesOf(record.run)), hexOf(sha256(bytesOf("caco/settlement/v1\0"), salt, bytesOf(payloads.get(name))))].join();
    } catch (problem) {
      check.fault(ANCHOR, `a settlement's record cannot be read: ${problem.message}`);
      continue;
    }
    const one = said.get(key);
    said.delete(key);
    if (!one) check.fault(ANCHOR, `the contract holds no record of statement ${name}`, { statement: name });
    else if ([one.topics[2], one.topics[3], one.words[0].slice(0, 4), one.words[1]].join() !== due) check.fault(ANCHOR, `the contract holds another record of statement ${name} than its bytes give`, { statement: name });
  }
  if (waiting.size) check.notes.push(`not_in_pack: the records of ${waiting.size} statement(s), which were not on the chain yet`);
  if (said.size && pack.about.opened === "all") check.fault(ANCHOR, `the contract holds ${said.size} record(s) of statements that the pack lacks`);
}

async function rpcFaults(url, anchors, check) {
  const ask = async (method, ...params) => {
    const answer = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }) });
    const told = await answer.json();
    if (!("result" in told)) throw new Error(`it refused ${method}`);
    return told.result;
  };
  try {
    if (Number(await ask("eth_chainId")) !== anchors.chain_id || ["0x", ""].includes(await ask("eth_getCode", anchors.contract, "latest"))) {
      check.fault(ANCHOR, "the chain you named is another one, or holds no such contract");
      return;
    }
    const where = { address: anchors.contract, fromBlock: `0x${(anchors.first_block ?? 0).toString(16)}`, toBlock: "latest", topics: [[ANCHORED, RECORDED]] };
    const found = await ask("eth_getLogs", where), shape = (log) => [log.address, log.topics, log.data, log.blockHash, log.transactionHash, log.logIndex].join().toLowerCase();
    const real = new Set(found.map(shape));
    for (const log of anchors.logs) if (!real.has(shape(log))) check.fault(ANCHOR, `the chain you named does not hold the log of transaction ${log.transactionHash}`);
  } catch (problem) {
    check.fault(ANCHOR, `the chain you named could not be asked: ${problem.message}`);
  }
}

// ---------------------------------------------------------------- time

function micros(text) {
  const match = typeof text === "string" ? /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)$/.exec(text) : null;
  const seconds = match ? Date.parse(match[1] + match[3]) * 1000 : NaN;
  if (Number.isNaN(seconds)) throw new RangeError(`${text} is no moment with a zone`);
  return seconds + Number((match[2] ?? "").padEnd(6, "0"));
}

function halfHour(text) {
  const number = micros(text) / (1800 * SECOND);
  if (!Number.isInteger(number) || number < 0) throw new RangeError(`${text} starts no half hour`);
  return number;
}

const momentOf = (number) => `${new Date(number * 1800000).toISOString().slice(0, 16)}Z`;
const dateOf = (day) => new Date(day * 86400000).toISOString().slice(0, 10);

function dayIn(text) {
  const time = typeof text === "string" && /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  if (Number.isNaN(time) || dateOf(time / 86400000) !== text) throw new RangeError(`${text} is no date`);
  return time / 86400000;
}

// British summer time by its rule: it begins and ends at 01:00 UTC on the last Sundays of March and October.
const lastSunday = (year, month) => {
  const last = Date.UTC(year, month, 31) / 86400000;
  return last - new Date(last * 86400000).getUTCDay();
};
function dayStart(day) {
  const year = new Date(day * 86400000).getUTCFullYear();
  return day * 48 - (day > lastSunday(year, 2) && day <= lastSunday(year, 9) ? 2 : 0);
}
const periodsIn = (day) => dayStart(day + 1) - dayStart(day);
function periodOf(number) {
  const guess = Math.floor(number / 48), day = number >= dayStart(guess + 1) ? guess + 1 : guess;
  return [day, number - dayStart(day) + 1];
}

// ---------------------------------------------------------------- V8 the money

class NoBaseline extends Error {}

class Book {
  constructor(rows) {
    this.rows = rows;
    this.holidays = new Set(rows.bank_holidays.map(dayIn));
  }

  row(table, key, day) {
    const found = (this.rows[table] ?? []).find((row) => row.key === key && (!row.effective_from || dayIn(row.effective_from) <= day) && (!row.effective_to || day < dayIn(row.effective_to)));
    if (!found) throw new Error(`the price book has no ${key} among its ${table}`);
    return found;
  }

  works(day) {
    return (day + 3) % 7 < 5 && !this.holidays.has(day);
  }
}

function knownAt(site, at) {
  const found = new Map();
  for (const [number, told] of site.readings) for (const [known, energy] of told) if (known <= at) found.set(number, energy);
  return found;
}

function needed(readings, wanted) {
  return wanted.map((number) => {
    if (!readings.has(number)) throw new NoBaseline(`there is no reading for ${momentOf(number)}`);
    return readings.get(number);
  });
}

const total = (values) => values.reduce((a, b) => a + b, 0n);
const span = (first, count) => Array.from({ length: count }, (_, i) => first + i);
const readingOn = (readings, day, period) => readings.get(dayStart(day) + Math.min(period, periodsIn(day)) - 1);

function likeDay(inputs, readings, starts, rule, book) {
  const [day, first] = periodOf(starts[0]), works = book.works(day), events = new Set(inputs.event_days.map(dayIn));
  const alike = span(1, rule.lookback_days ?? 60).map((back) => day - back).filter((one) => book.works(one) === works && periodsIn(one) === 48 && span(dayStart(one), 48).every((number) => readings.has(number)));
  const count = works ? rule.working_days ?? 10 : rule.non_working_days ?? 4;
  let days = alike.filter((one) => !events.has(one)).slice(0, count);
  days = [...days, ...alike.filter((one) => events.has(one)).slice(0, count - days.length)];
  if (days.length < count) throw new NoBaseline(`${count} days like the event's are needed, and ${days.length} are whole`);
  const over = (number) => days.map((one) => readingOn(readings, one, periodOf(number)[1]));
  if (rule.highest !== undefined && rule.highest !== null) {
    const energy = new Map(days.map((one) => [one, total(starts.map((start) => readingOn(readings, one, periodOf(start)[1])))]));
    days = days.slice().sort((a, b) => (energy.get(a) < energy.get(b) ? 1 : energy.get(a) > energy.get(b) ? -1 : 0)).slice(0, rule.highest);
  }
  const n = BigInt(days.length), made = new Map(starts.map((start) => [start, nearest(total(over(start)), n)]));
  if (rule.adjust === false) return [made, 0n];
  const length = rule.adjustment_periods ?? 6, end = dayStart(day) + first - 1 - (rule.adjustment_gap_periods ?? 2);
  const window = span(end - length, length), metered = needed(readings, window);
  return [made, nearest(total(window.map((number, i) => metered[i] * n - total(over(number)))), n * BigInt(length))];
}

function nearEvent(kind, readings, starts, rule) {
  const gap = rule.gap_periods ?? 0, before = rule.before_periods ?? 2, after = rule.after_periods ?? 2;
  const ahead = starts[0] - gap - before, early = total(needed(readings, span(ahead, before)));
  if (kind === "meter-before") return new Map(starts.map((start) => [start, nearest(early, BigInt(before))]));
  const behind = starts[starts.length - 1] + 1 + gap, late = total(needed(readings, span(behind, after)));
  const from = 2 * ahead + before, way = BigInt(2 * behind + after - from), b = BigInt(before), a = BigInt(after);
  return new Map(starts.map((start) => {
    const x = BigInt(2 * start + 1 - from);
    return [start, nearest(early * a * (way - x) + late * b * x, b * a * way)];
  }));
}

function baselineOf(method, inputs, readings, starts, book) {
  const row = book.row("baseline_methods", method, periodOf(starts[0])[0]), rule = row.parameters;
  let made, adjustment = 0n;
  if (row.method === "like-day") {
    [made, adjustment] = likeDay(inputs, readings, starts, rule, book);
    if (inputs.uplift_alarm && (inputs.direction === "REDUCE" ? adjustment > 0n : adjustment < 0n)) adjustment = 0n;
  } else if (row.method === "before-after" || row.method === "meter-before") made = nearEvent(row.method, readings, starts, rule);
  else if (row.method === "nominated") {
    const said = new Map(Object.entries(inputs.nomination.periods).map(([start, energy]) => [halfHour(start), wh(energy)]));
    made = new Map(starts.map((start, i) => [start, needed(said, starts)[i]]));
  } else if (row.method === "zero") made = new Map(starts.map((start) => [start, 0n]));
  else throw new Error(`${row.method} is no kind of baseline`);
  const most = wh(inputs.import_limit_wh);
  return new Map([...made].map(([start, energy]) => {
    const moved = energy + adjustment;
    return [start, moved < 0n ? 0n : moved > most ? most : moved];
  }));
}

function tableShare(points, delivered, instructed) {
  if (instructed <= 0n) return ZERO;
  const line = points.map(([x, y]) => [exact(x), exact(y)]), at = ratio(delivered, instructed);
  let found = line[line.length - 1][1];
  const next = line.findIndex(([x]) => !less(x, at));
  if (next === 0) found = line[0][1];
  else if (next > 0) {
    const [x0, y0] = line[next - 1], [x1, y1] = line[next], run = minus(x1, x0);
    found = sum(y0, product(product(minus(y1, y0), minus(at, x0)), ratio(run.d, run.n)));
  }
  return ratio(nearest(found.n * 1000000n, found.d), 1000000n);
}

function workedOut(told, inputs, readings, book) {
  if (!inputs.periods.length) return { lines: new Map(), components: uncalled(told, inputs, book) };
  const terms = told.terms, periods = new Map(inputs.periods.map((one) => [halfHour(one.start), one]));
  const starts = [...periods.keys()].sort((a, b) => a - b), base = baselineOf(told.baseline_method, inputs, readings, starts, book);
  const metered = needed(readings, starts), lines = new Map();
  starts.forEach((start, i) => {
    const instructed = wh(periods.get(start).instructed_wh), others = wh(periods.get(start).others_wh), moved = base.get(start) - metered[i];
    const turned = inputs.direction === "REDUCE" ? moved : -moved;
    let delivered = turned > 0n ? turned : 0n;
    if (others) delivered = (delivered * instructed) / (instructed + others);
    const cap = (instructed * whole(terms.cap_percent)) / 100n, short = instructed - delivered;
    lines.set(start, { instructed, others, instructed_wh: ratio(instructed), baseline_wh: ratio(base.get(start)), metered_wh: ratio(metered[i]), delivered_wh: ratio(delivered), eligible_wh: ratio(delivered < cap ? delivered : cap), shortfall_wh: ratio(short > 0n ? short : 0n), moved });
  });
  const price = exact(terms.utilisation_price_gbp_per_kwh);
  const components = terms.regulatory_basis === "P415_VTP" ? traded(lines, inputs, price) : sold(lines, terms, inputs, price, book);
  return { lines, components };
}

const summed = (values) => values.reduce(sum, ZERO);
const kilo = ratio(1n, 1000n);

function traded(lines, inputs, price) {
  const sign = inputs.direction === "REDUCE" ? 1n : -1n;
  const system = new Map(Object.entries(inputs.system_gbp_per_mwh).map(([start, gbp]) => [halfHour(start), exact(gbp)]));
  for (const [start, line] of lines) {
    const mine = line.others ? floored(line.moved * line.instructed, line.instructed + line.others) : line.moved;
    line.scale = ratio(1n);
    line.pay_gbp = product(product(line.instructed_wh, kilo), price);
    line.penalty_gbp = ZERO;
    line.imbalance_mwh = ratio(mine - sign * line.instructed, 1000000n);
    line.imbalance_gbp = product(line.imbalance_mwh, system.get(start));
  }
  const all = [...lines.values()];
  return [["USAGE", summed(all.map((line) => line.pay_gbp))], ["IMBALANCE", summed(all.map((line) => line.imbalance_gbp))]];
}

function sold(lines, terms, inputs, price, book) {
  const day = periodOf(Math.min(...lines.keys()))[0], points = book.row("performance_tables", terms.performance_table, day).points;
  const penalty = terms.penalty_rule === "DEFICIENCY_PRICE" ? exact(terms.shortfall_penalty_gbp_per_kwh) : ZERO, all = [...lines.values()];
  for (const line of all) {
    line.scale = tableShare(points, line.delivered_wh.n, line.instructed);
    line.pay_gbp = product(product(product(line.eligible_wh, kilo), price), line.scale);
    line.penalty_gbp = product(product(line.shortfall_wh, kilo), penalty);
  }
  const owed = summed(all.map((line) => line.penalty_gbp)), found = [["USAGE", summed(all.map((line) => line.pay_gbp))]];
  if (owed.n) found.push(["PENALTY", minus(ZERO, owed)]);
  return [...found, ...stoodReady(lines, terms, inputs, day, book)];
}

// What an order that nothing was delivered under is owed: its late cancellation, or having stood ready.
function uncalled(told, inputs, book) {
  if (typeof told.reason !== "string") throw new TypeError("no reason is given");
  if (told.reason === "CANCELLED") return [["CANCELLATION_FEE", ratio(whole(inputs.cancellation_fee_pence), 100n)]];
  const first = Math.min(...inputs.availability.windows.map((one) => halfHour(one.start)));
  return stoodReady(new Map(), told.terms, inputs, periodOf(first)[0], book);
}

function stoodReady(lines, terms, inputs, day, book) {
  const offered = book.row("products", terms.product, day);
  if (offered.pays !== "AVAILABILITY_AND_UTILISATION") return [];
  const held = inputs.availability, points = book.row("performance_tables", offered.availability_table, day).points;
  const price = exact(terms.availability_price_gbp_per_mw_h), instructed = whole(held.instructed_wh);
  const share = instructed ? tableShare(points, whole(held.delivered_wh), instructed) : ratio(1n);
  const fees = new Map(held.windows.map((one) => [halfHour(one.start), product(product(product(exact(one.power_kw), ratio(1n, 2000n)), price), share)]));
  const missed = terms.penalty_rule === "LOST_AVAILABILITY" ? [...lines].filter(([, line]) => !line.scale.n).map(([start]) => fees.get(start)) : [];
  const lost = summed(missed), found = held.first ? [["AVAILABILITY", summed([...fees.values()])]] : [];
  return lost.n ? [...found, ["CLAWBACK", minus(ZERO, lost)]] : found;
}

const COMPARED = ["metered_wh", "baseline_wh", "delivered_wh", "eligible_wh", "instructed_wh", "shortfall_wh", "scale", "pay_gbp", "penalty_gbp", "imbalance_mwh", "imbalance_gbp"];
const shownAs = (value) => (value.d === 1n ? String(value.n) : (Number(value.n) / Number(value.d)).toFixed(9).replace(/0+$/, ""));

function halfHourFaults(told, worked) {
  const said = new Map(told.lines.map((line) => [dayStart(dayIn(line.date)) + line.period - 1, line]));
  const found = [];
  for (const start of [...new Set([...said.keys(), ...worked.lines.keys()])].sort((a, b) => a - b)) {
    const stated = said.get(start), due = worked.lines.get(start);
    if (!stated || !due) {
      found.push([start, due ? "it is missing in the statement" : "it is in the statement and not in the dispatch"]);
      continue;
    }
    const differing = COMPARED.filter((name) => name in stated && !alike(exact(stated[name]), due[name])).map((name) => `${name} is ${stated[name]}, and ${shownAs(due[name])} follows from the readings`);
    if (differing.length) found.push([start, differing.join("; ")]);
  }
  return found;
}

function moneyFaults(told, worked) {
  const due = worked.components.map(([kind, pounds]) => [kind, pence(pounds), minus(pounds, ratio(pence(pounds), 100n))]);
  due.push(...carried(told, due));
  const said = told.components.map((part) => [part.type, whole(part.pence), exact(part.residual_gbp)]), found = [];
  const words = (parts) => parts.map(([kind, amount]) => `${kind} ${amount}p`).join(", ") || "none";
  if (due.length !== said.length || due.some(([kind, amount, rest], i) => kind !== said[i][0] || amount !== said[i][1] || !alike(rest, said[i][2]))) found.push(`its components are ${words(said)}, and ${words(due)} follow`);
  const amount = total(due.map((part) => part[1])), owed = -total(due.filter(([kind]) => kind === "PENALTY" || kind === "CLAWBACK").map((part) => part[1]));
  const sums = { amount_pence: amount, penalty_pence: owed, payment_pence: amount + owed };
  for (const name of ["delivered_wh", "eligible_wh", "shortfall_wh"]) sums[name] = total([...worked.lines.values()].map((line) => line[name].n));
  for (const [name, value] of Object.entries(sums)) if (whole(told[name]) !== value) found.push(`${name} is ${told[name]}, and ${value} follows`);
  return found;
}

// The components that settle what rounding left over, by account: the buyer's, and the market's for imbalance. What was paid
// before and the exact sum before give what is due by now, rounded once, half to even.
function carried(told, due) {
  const found = [];
  for (const one of told.rounding ?? []) {
    const market = one.account === "MARKET", parts = due.filter(([kind]) => (kind === "IMBALANCE") === market);
    const odd = whole(one.before_odd), paid = total(parts.map(([, amount]) => amount));
    const left = summed([exact(one.before_gbp), ...parts.map(([, , rest]) => rest)]);
    const moved = pence(summed([ratio(odd + paid, 100n), left])) - odd - paid;
    if (!alike(minus(left, ratio(moved, 100n)), exact(one.after_gbp))) throw new Error(`rounding leaves over another sum than ${one.after_gbp} GBP`);
    if (moved) found.push([market ? "IMBALANCE_ROUNDING" : "ROUNDING", moved, ratio(-moved, 100n)]);
  }
  return found;
}

async function checkMoney(pack, kept, sites, check) {
  if (!pack.has("settlements.jsonl")) {
    check.absent = "the pack holds nothing to work the money out from";
    return [];
  }
  const inputs = new Map(), named = [];
  for await (const line of pack.lines("settlements.jsonl")) if (isObject(line)) inputs.set(line.statement, line);
  const fees = new Map([...kept.values()].filter((one) => one.type === "order.cancelled").map((one) => [one.subject, one.told.fee_pence]));
  let book, old = 0, broken = 0;
  try {
    book = new Book(await pack.value("pricebook.json"));
  } catch (problem) {
    throw new Unreadable(`pricebook.json cannot be used: ${problem.message}`);
  }
  for (const [seq, { told }] of statementsOf(kept)) {
    const given = inputs.get(told.statement ?? ""), site = sites.get(given?.site) ?? { readings: new Map(), broken: false };
    if (!told.terms || !Object.keys(told.terms).length || (told.lines ?? []).some((line) => !("scale" in line))) old += 1;
    else if (!given) check.fault(INCOMPLETE, `statement ${told.statement} cannot be worked out: its readings and terms are missing`, { seq });
    else if (site.broken) broken += 1;
    else {
      check.counted += 1;
      const charged = fees.get(`order:${told.order}`); // as the log told it when the order was cancelled
      const inputsTold = charged === undefined || charged === null ? given : { ...given, cancellation_fee_pence: charged };
      named.push(...statementFaults(told, inputsTold, site, book, seq, check));
    }
  }
  if (old) check.notes.push(`not_in_pack: ${old} statement(s) from before half hours carried their money`);
  if (broken) check.notes.push(`not worked out: ${broken} statement(s) that rest on meter records which V9 refuses`);
  if (!check.counted && !check.faults.length) check.absent = "the pack holds no statement whose money can be worked out";
  return named;
}

function statementFaults(told, given, site, book, seq, check) {
  const name = told.statement, named = [];
  try {
    const worked = workedOut(told, given, knownAt(site, micros(told.knowledge_time)), book);
    for (const [start, what] of halfHourFaults(told, worked)) {
      const [day, period] = periodOf(start), where = { date: dateOf(day), period, start: momentOf(start) };
      named.push({ statement: name, ...where });
      check.fault(AMOUNT, `statement ${name} in settlement period ${period} of ${where.date} (${where.start}): ${what}`, { seq, ...where });
    }
    for (const what of moneyFaults(told, worked)) check.fault(AMOUNT, `statement ${name}: ${what}`, { seq });
  } catch (problem) {
    const what = problem instanceof NoBaseline ? "does not follow from the readings" : "cannot be worked out";
    check.fault(AMOUNT, `statement ${name} ${what}: ${problem.message}`, { seq });
  }
  return named;
}

// ---------------------------------------------------------------- V9 meter records and manifests

async function readSites(pack, kept, check) {
  const sites = new Map(), batches = new Map();
  let outside = 0;
  for await (const line of pack.lines("settlements.jsonl")) if (isObject(line)) sites.set(line.site, { readings: new Map(), broken: false });
  for await (const line of pack.lines("readings.jsonl")) {
    try {
      const known = micros(line.known_at);
      if (!sites.has(line.site)) sites.set(line.site, { readings: new Map(), broken: false });
      const { readings } = sites.get(line.site);
      for (const [start, energy] of line.readings) {
        const number = halfHour(start);
        if (!readings.has(number)) readings.set(number, []);
        readings.get(number).push([known, wh(energy)]);
      }
      if ("seq" in line) batches.set(line.seq, line);
      else outside += line.readings.length;
    } catch (problem) {
      throw new Unreadable(`readings.jsonl cannot be read: ${problem.message}`);
    }
  }
  for (const site of sites.values()) for (const told of site.readings.values()) told.sort((a, b) => a[0] - b[0]);
  for (const [seq, one] of inOrder(kept)) {
    const told = one.told;
    if (!("sha256" in told && "readings" in told) || told.direction !== "IMPORT" || !sites.has(told.site)) continue;
    check.counted += 1;
    const batch = batches.get(seq), rows = (batch?.readings ?? []).slice().sort((a, b) => compare(a[0], b[0]) || a[1] - b[1]);
    batches.delete(seq);
    if (!batch || rows.length !== told.readings || rows[0][0] !== told.first || rows[rows.length - 1][0] !== told.last) {
      sites.get(told.site).broken = true;
      check.fault(MANIFEST, `entry ${seq} records ${told.readings} readings of ${told.site}, and the pack shows ${rows.length}`, { seq });
      continue;
    }
    const digest = hexOf(sha256(bytesOf(rows.map(([start, energy]) => `${start},${energy}`).join("\n"))));
    if (digest !== told.sha256 || Math.floor(micros(batch.known_at) / 1000) !== Math.floor(micros(one.at) / 1000)) check.fault(MANIFEST, `the readings of ${told.site} are not those that entry ${seq} recorded`, { seq });
  }
  for (const seq of batches.keys()) check.fault(MANIFEST, `readings are said to be of entry ${seq}, which records none`, { seq });
  if (outside) check.notes.push(`${outside} half hours rest on readings that no entry of the log records`);
  return sites;
}

function checkManifests(pack, leaves, kept, check) {
  const isWhole = pack.about.leaves === "all", opened = pack.about.opened === "all", complete = new Set(pack.about.complete_for ?? []);
  const own = new Map(), ends = new Map(), grown = new Tree();
  for (const [seq, one] of kept) (one.parties ?? []).forEach((party, i) => own.set(`${party}:${(one.org_seqs ?? [])[i]}`, seq));
  for (const [seq, { told }] of inOrder(kept).filter(([, one]) => one.type === "daily.manifest")) {
    const party = told.scope === "log" ? 0 : told.organisation;
    if (!(party === 0 ? isWhole : (opened && isWhole) || complete.has(party))) continue;
    check.counted += 1;
    const due = ends.get(party) ?? (party === 0 ? 0 : 1);
    if (told.first !== due) check.fault(MANIFEST, `the manifest in entry ${seq} begins at ${told.first}, and ${due} is due`, { seq });
    ends.set(party, told.last + 1);
    const inside = span(told.first, Math.max(0, told.last - told.first + 1)).map((number) => (party === 0 ? number : own.get(`${party}:${number}`))).filter((number) => leaves.has(number));
    for (const what of manifestFaults(told, inside, leaves, kept, party !== 0 || opened)) check.fault(MANIFEST, `the manifest in entry ${seq} ${what}`, { seq });
    if (party === 0) {
      while (grown.size <= told.last && leaves.has(grown.size)) grown.add(leaves.get(grown.size).hash);
      if (hexOf(grown.root()) !== told.root) check.fault(MANIFEST, `the manifest in entry ${seq} is of another log: its root differs`, { seq });
    }
  }
  if (!ends.size) check.notes.push("not_in_pack: no daily manifest that this pack could be counted by");
  else if (isWhole) check.notes.push(`${[...leaves.keys()].filter((number) => number >= (ends.get(0) ?? 0)).length} entries came after the last manifest and are not counted yet`);
  if (!check.counted && !check.faults.length) check.absent = "the pack holds neither a manifest nor meter records";
}

function manifestFaults(told, numbers, leaves, kept, isSummed) {
  const found = [], due = new Map();
  if (told.entries !== numbers.length) found.push(`counts ${told.entries} entries, and the pack holds ${numbers.length}`);
  for (const number of numbers) {
    const kind = leaves.get(number).type;
    if (!due.has(kind)) due.set(kind, new Map([["entries", 0n]]));
    const sums = due.get(kind);
    sums.set("entries", sums.get("entries") + 1n);
    for (const [name, value] of isSummed ? Object.entries(kept.get(number)?.told ?? {}) : []) {
      const text = typeof value === "string" || Number.isSafeInteger(value) ? String(value) : "";
      if (/_pence$|_wh$/.test(name) && /^-?[0-9]{1,39}$/.test(text)) sums.set(name, (sums.get(name) ?? 0n) + BigInt(text));
    }
  }
  for (const kind of [...new Set([...due.keys(), ...Object.keys(told.types)])].sort(compare)) {
    const said = told.types[kind] ?? {}, sums = due.get(kind) ?? new Map();
    for (const name of new Set([...sums.keys(), ...(isSummed ? Object.keys(said) : [])])) if (said[name] !== String(sums.get(name))) found.push(`says ${said[name]} ${name} of ${kind}, and the pack holds ${sums.get(name)}`);
  }
  return found;
}

// ---------------------------------------------------------------- V10 statements

function checkStatements(pack, kept, check) {
  const part = pack.about.scope?.kind === "range", standing = new Map();
  for (const [seq, { told }] of statementsOf(kept)) {
    check.counted += 1;
    try {
      const about = JSON.stringify([told.order, told.activation ?? ""]);
      for (const what of supersedeFaults(told, standing.get(about), part)) check.fault(SUPERSEDE, `statement ${told.statement} (${told.run} ${told.version}): ${what}`, { seq });
      standing.set(about, told);
    } catch (problem) {
      check.fault(SUPERSEDE, `the statement in entry ${seq} cannot be read: ${problem.message}`, { seq });
    }
  }
  if (!check.counted) check.absent = "the pack holds no statement";
}

function supersedeFaults(told, before, part) {
  const run = RUNS.indexOf(told.run), found = [];
  if (run < 0) throw new RangeError(`${told.run} is no run`);
  if (!before) {
    if ("supersedes" in told && !part) found.push("it supersedes a statement that is not in the pack");
    else if (!("supersedes" in told) && (told.run !== "II" || told.version !== 1)) found.push("it is the first, and the first is II 1");
    return found;
  }
  if (told.supersedes !== before.statement) found.push(`it does not supersede ${before.statement}, which stood`);
  else if (whole(told.delta_pence) !== whole(told.amount_pence) - whole(before.amount_pence)) found.push("its delta is not the difference of the two amounts");
  const last = RUNS.indexOf(before.run);
  if (run < last || told.version !== (run === last ? before.version + 1 : 1)) found.push(`it may not follow ${before.run} ${before.version}`);
  return found;
}

// ---------------------------------------------------------------- the whole

export async function verify(data, given = {}) {
  const checks = Object.fromEntries(Object.keys(TITLES).map((name) => [name, new Check(name)]));
  const { V1, V2, V3, V4, V5, V6, V7, V8, V9, V10 } = checks;
  let pack, named, leaves, kept;
  try {
    pack = await Pack.open(data);
    const heads = await readHeads(pack, V4);
    const [found, roots] = await readEntries(pack, heads, V1, V2, V3);
    leaves = found;
    kept = await checkPayloads(pack, leaves, V1);
    checkNumbers(pack, kept, V2);
    await checkTiles(pack, leaves, V3);
    await checkCheckpoints(pack, heads, roots, given, V5);
    await checkMessages(pack, kept, given, V6);
    await checkAnchors(pack, heads, kept, given, V7);
    const sites = await readSites(pack, kept, V9);
    named = await checkMoney(pack, kept, sites, V8);
    checkManifests(pack, leaves, kept, V9);
    checkStatements(pack, kept, V10);
  } catch (problem) {
    return { format: "caco-pack-report/1", verifier: "javascript", exit: INCOMPLETE, pack: {}, unreadable: problem.message, half_hours: [], checks: [] };
  }
  for (const check of [V1, V2, V3]) if (!leaves.size && !check.faults.length) check.absent = "the pack holds no entry";
  if (!kept.size && !V1.faults.length) V1.absent = "the pack shows no payload";
  const codes = Object.values(checks).map((check) => check.code).filter(Boolean);
  const about = Object.fromEntries(["log_id", "head", "size", "scope", "leaves", "opened"].map((name) => [name, pack.about[name] ?? null]));
  return { format: "caco-pack-report/1", verifier: "javascript", exit: codes.length ? Math.min(...codes) : 0, pack: about, half_hours: named, checks: Object.values(checks).map((check) => check.told()) };
}

const WORDS = { held: "holds", failed: "FAILED", not_in_pack: "not in pack" };

export function verdictOf(report) {
  const absent = report.checks.filter((check) => check.status === "not_in_pack").map((check) => check.check);
  const beside = absent.length ? `; ${absent.join(", ")} could not be checked` : "";
  return `exit ${report.exit}: ${report.exit ? "this pack does not hold" : "everything that is in the pack holds"}${beside}`;
}

const aboutOf = (pack) => `${pack.log_id}, head ${pack.head} over ${pack.size} entries; scope ${pack.scope?.kind}, leaves ${pack.leaves}, payloads ${pack.opened}`;

export function toldInLines(report) {
  const lines = report.unreadable ? [`INCOMPLETE  ${report.unreadable}`] : [];
  if (report.checks.length) lines.push(aboutOf(report.pack));
  for (const check of report.checks) {
    lines.push(`${WORDS[check.status].padStart(11)}  ${check.check.padEnd(3)} ${check.title}: ${check.why ?? `${check.counted} looked at`}`);
    for (const fault of check.faults) lines.push(`${" ".repeat(17)}${fault.code}: ${fault.what}`);
    if (check.more_faults) lines.push(`${" ".repeat(17)}and ${check.more_faults} more`);
    for (const note of check.notes) lines.push(`${" ".repeat(17)}(${note})`);
  }
  for (const one of report.half_hours) lines.push(`half hour at fault: settlement period ${one.period} of ${one.date}, ${one.start}`);
  return [...lines, verdictOf(report)];
}

// ---------------------------------------------------------------- node

function askedFor(words) {
  const named = { "--log-key": "logKey", "--contract": "contract", "--chain-id": "chainId", "--anchor-key": "anchorKey", "--rpc": "rpc" };
  const given = {}, asked = { given, files: [], json: false, strict: false };
  for (let i = 0; i < words.length; i++) {
    if (words[i] === "--json" || words[i] === "--strict") asked[words[i].slice(2)] = true;
    else if (words[i] === "--party-key") {
      const [name, ...key] = words[++i].split("=");
      given.partyKeys = { ...given.partyKeys, [name]: key.join("=") };
    } else if (words[i] in named) given[named[words[i]]] = words[i] === "--chain-id" ? Number(words[++i]) : words[++i];
    else asked.files.push(words[i]);
  }
  return asked;
}

async function main(words) {
  const { readFile } = await import("node:fs/promises");
  const asked = askedFor(words), reports = [];
  if (!asked.files.length || asked.files.some((name) => name.startsWith("-"))) {
    console.error("usage: node verify_pack.mjs [--json] [--strict] [--log-key VKEY] [--contract 0x..] [--chain-id N] [--anchor-key 0x..] [--party-key NAME=KEY] [--rpc URL] pack.zip");
    return 2;
  }
  for (const name of asked.files) {
    const data = await readFile(name).catch(() => new Uint8Array(0));
    const report = await verify(new Uint8Array(data), asked.given);
    if (asked.strict && !report.exit && report.checks.some((check) => check.status === "not_in_pack")) report.exit = INCOMPLETE;
    reports.push(report);
    console.log(asked.json ? JSON.stringify(report) : toldInLines(report).join("\n"));
  }
  return Math.min(...reports.map((report) => report.exit || Infinity), Infinity) === Infinity ? 0 : Math.min(...reports.map((report) => report.exit).filter(Boolean));
}

if (typeof process !== "undefined" && process.versions?.node && process.argv[1] && import.meta.url.endsWith(process.argv[1].split(/[\\/]/).pop())) {
  process.exitCode = await main(process.argv.slice(2));
}

// ---------------------------------------------------------------- the page

function shown(tag, text, className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

async function verifyHere(file, place) {
  place.replaceChildren(shown("p", `${file.name} is being verified…`));
  const report = await verify(new Uint8Array(await file.arrayBuffer()));
  const list = document.createElement("ol");
  list.className = "checks";
  for (const check of report.checks) {
    const item = document.createElement("li");
    item.append(shown("strong", `${check.check} ${WORDS[check.status]}`), ` ${check.title}: ${check.why ?? `${check.counted} looked at`}`);
    for (const fault of check.faults) item.append(shown("p", `${fault.code}: ${fault.what}`, "problem"));
    for (const note of check.notes) item.append(shown("p", note, "hint"));
    list.append(item);
  }
  const halves = report.half_hours.map((one) => shown("p", `Half hour at fault: settlement period ${one.period} of ${one.date}, ${one.start}.`, "problem"));
  const about = report.checks.length ? [shown("p", aboutOf(report.pack))] : [];
  place.replaceChildren(shown("h2", report.unreadable ?? verdictOf(report)), ...about, ...halves, list);
}

if (typeof document !== "undefined") {
  const input = document.querySelector("[data-verify-pack]"), place = document.querySelector("[data-verify-report]");
  input?.addEventListener("change", () => input.files[0] && verifyHere(input.files[0], place));
}
