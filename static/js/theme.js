// Light or dark: the system's choice until the person chooses, then theirs, kept in this browser. Runs before first paint.
"use strict";
(() => {
  const KEY = "caco-theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  const read = () => {
    try { return localStorage.getItem(KEY); } catch { return null; }
  };
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const label = () => {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.hidden = false;
      button.textContent = isDark() ? "Light theme" : "Dark theme";
    }
  };
  const tell = () => document.dispatchEvent(new CustomEvent("caco-theme"));

  const kept = read();
  if (kept === "dark" || kept === "light") root.dataset.theme = kept;

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem(KEY, root.dataset.theme); } catch { /* private windows forget; the page still changes */ }
    label();
    tell();
  });
  system.addEventListener("change", () => { label(); tell(); });
  document.addEventListener("DOMContentLoaded", label);
  document.addEventListener("htmx:load", label);
})();
