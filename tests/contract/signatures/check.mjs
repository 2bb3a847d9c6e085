// Signs and verifies Beckn requests with two libraries that are not ours: tweetnacl with blakejs, and libsodium.
// Reads one JSON document {jobs: [...]} and answers one a job. It builds digest, signing string and header by itself.
import { readFileSync } from "node:fs";
import { blake2b } from "blakejs";
import sodium from "libsodium-wrappers";
import nacl from "tweetnacl";

await sodium.ready;

const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));

const LIBRARIES = {
  tweetnacl: {
    digest: (body) => blake2b(body, undefined, 64),
    sign: (text, seed) => nacl.sign.detached(text, nacl.sign.keyPair.fromSeed(seed).secretKey),
    verify: (signature, text, key) => nacl.sign.detached.verify(text, signature, key),
    publicKey: (seed) => nacl.sign.keyPair.fromSeed(seed).publicKey,
  },
  libsodium: {
    digest: (body) => sodium.crypto_generichash(64, body),
    sign: (text, seed) => sodium.crypto_sign_detached(text, sodium.crypto_sign_seed_keypair(seed).privateKey),
    verify: (signature, text, key) => sodium.crypto_sign_verify_detached(signature, text, key),
    publicKey: (seed) => sodium.crypto_sign_seed_keypair(seed).publicKey,
  },
};

const lines = (library, body, created, expires) =>
  new TextEncoder().encode(
    `(created): ${created}\n(expires): ${expires}\ndigest: BLAKE-512=${base64(library.digest(body))}`,
  );

const jobs = {
  sign({ library, body, seed, subscriber, key, created, expires }) {
    const with_ = LIBRARIES[library];
    const signature = base64(with_.sign(lines(with_, bytes(body), created, expires), bytes(seed)));
    return {
      publicKey: base64(with_.publicKey(bytes(seed))),
      header:
        `Signature keyId="${subscriber}|${key}|ed25519",algorithm="ed25519",created="${created}",` +
        `expires="${expires}",headers="(created) (expires) digest",signature="${signature}"`,
    };
  },
  verify({ library, body, header, publicKey }) {
    const with_ = LIBRARIES[library];
    const named = Object.fromEntries([...header.matchAll(/([A-Za-z]+)="([^"]*)"/g)].map((one) => [one[1], one[2]]));
    const text = lines(with_, bytes(body), named.created, named.expires);
    return { holds: with_.verify(bytes(named.signature), text, bytes(publicKey)) };
  },
};

const asked = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(asked.jobs.map((job) => jobs[job.op](job))));
