// Compiles SettlementAuditLog.sol to build/SettlementAuditLog.json, the same bytes on every machine.
// `node build.mjs` writes the file; `node build.mjs --print` prints it, for the test that compares it with the committed one.
// People who only run CACO need neither Node nor this file.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));
const contractName = "SettlementAuditLog";
const own = ["interfaces/ISettlementAuditLog.sol", "LogProof.sol", "SettlementAuditLog.sol"];
const settings = {
  evmVersion: "shanghai", // the oldest in use: consortium chains are slow to follow
  optimizer: { enabled: true, runs: 10000 },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "evm.deployedBytecode.immutableReferences"] } },
};

const read = (path) => readFileSync(path, "utf8");
const sources = Object.fromEntries(own.map((name) => [name, { content: read(join(here, name)) }]));
const imported = (path) => {
  try {
    return { contents: read(join(here, "node_modules", path)) };
  } catch {
    return { error: `${path} is missing: run npm ci --prefix contracts` };
  }
};
const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings }), { import: imported }));
for (const problem of output.errors ?? []) {
  console.error(problem.formattedMessage);
  process.exitCode = 1; // a warning stops the build too
}
if (process.exitCode) process.exit();

const { abi, evm } = output.contracts[`${contractName}.sol`][contractName];
const { outputSelection, ...compilerSettings } = settings;
const hash = createHash("sha256");
for (const name of own) hash.update(sources[name].content);
const artefact = {
  contractName,
  compiler: `solc ${solc.version()}`,
  settings: compilerSettings,
  sources: own,
  sourceHash: `sha256:${hash.digest("hex")}`,
  abi,
  bytecode: `0x${evm.bytecode.object}`,
  deployedBytecode: `0x${evm.deployedBytecode.object}`,
  // Where the constructor writes into the deployed bytecode: what differs between two installations of the same code.
  immutableReferences: Object.values(evm.deployedBytecode.immutableReferences).flat(),
};
const text = `${JSON.stringify(artefact, null, 1)}\n`;
if (process.argv.includes("--print")) process.stdout.write(text);
else writeFileSync(join(here, "build", `${contractName}.json`), text);
