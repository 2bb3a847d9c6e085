// A proof file is hashed here, in the browser; only the hash of its leaf goes to the server, by the form that works without
// scripts too. What is recomputed: payload, salt and type give the commitment that the leaf holds, and the leaf its hash.
"use strict";
(() => {
  const zone = document.querySelector("[data-drop]");
  const form = document.getElementById("find");
  if (!zone || !form || !crypto.subtle) return;
  const steps = zone.querySelector("[data-drop-steps]");
  const chosen = zone.querySelector("input[type=file]");
  const MOST = 5_000_000;

  const say = (text) => {
    const line = document.createElement("li");
    line.textContent = text;
    steps.append(line);
  };
  const joined = (...parts) => new Uint8Array(parts.flatMap((part) => [...part]));
  const bytes = (text) => new TextEncoder().encode(text);
  const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const sha256 = async (data) => {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
    return [...digest].map((one) => one.toString(16).padStart(2, "0")).join("");
  };
  const told = (data) => {
    try { return JSON.parse(new TextDecoder().decode(data)) ?? {}; } catch { return {}; }
  };

  // The hash to look up: that of the proof's leaf, once all that is in the file agrees; of any other file, as a leaf itself.
  const hashOf = async (data) => {
    const { entry, format, proof } = told(data);
    if (String(format).startsWith("caco-settlement-statement/") && Number.isInteger(proof?.log_entry)) {
      say(`It is a statement, and names entry ${proof.log_entry}. That entry's proof file shows what it said.`);
      return String(proof.log_entry);
    }
    if (typeof entry?.leaf !== "string") {
      say("It is no proof file, so it is looked for as a leaf.");
      return sha256(joined([0], data));
    }
    const commit = await sha256(joined(bytes("caco/v1/" + entry.type), [0], unhex(entry.salt), bytes(entry.payload)));
    if (!entry.leaf.includes(`"payload_commit":"${commit}"`)) {
      say("Its text is not what was committed to: payload and salt do not give the commitment in its leaf. It was changed.");
      return "";
    }
    say("Payload and salt give the commitment in the leaf.");
    const hash = await sha256(joined([0], bytes(entry.leaf)));
    if (hash !== entry.leaf_hash) {
      say("The leaf hash it names is not the hash of its leaf. It was changed.");
      return "";
    }
    say("The leaf gives the leaf hash it names.");
    return hash;
  };

  const take = async (file) => {
    steps.replaceChildren();
    if (file.size > MOST) {
      say("That file is larger than any proof: 5 MB is the most.");
      return;
    }
    const hash = await hashOf(new Uint8Array(await file.arrayBuffer()));
    if (!hash) return;
    form.elements.hash.value = hash;
    form.requestSubmit();
  };

  zone.hidden = false;
  chosen.addEventListener("change", () => { if (chosen.files[0]) void take(chosen.files[0]); });
  zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("drop-over"); });
  zone.addEventListener("dragleave", () => zone.classList.remove("drop-over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("drop-over");
    if (event.dataTransfer.files[0]) void take(event.dataTransfer.files[0]);
  });
})();
