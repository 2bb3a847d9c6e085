// One socket a page. It hears that a topic changed, never what: htmx then refetches the fragment with the page's own
// permissions. Without the socket every fragment is polled; after a minute of silence the page says that it is stale.
"use strict";
(() => {
  const POLL_MS = 30_000;
  const STALE_MS = 60_000;
  const MOST_WAIT_MS = 30_000;
  let socket = null;
  let tries = 0;
  let lastHeard = Date.now();
  let subscribed = "";

  const topics = () => {
    const found = new Set();
    for (const part of document.querySelectorAll("[data-live-topics]")) {
      for (const topic of part.dataset.liveTopics.split(" ")) if (topic) found.add(topic);
    }
    return [...found].sort();
  };

  const connected = () => socket !== null && socket.readyState === WebSocket.OPEN;

  const subscribe = () => {
    const wanted = topics();
    const text = JSON.stringify({ subscribe: wanted });
    if (!connected() || text === subscribed) return;
    subscribed = text;
    socket.send(text);
  };

  const heard = () => {
    lastHeard = Date.now();
    show();
  };

  const show = () => {
    const bar = document.getElementById("stale");
    if (!bar) return;
    const stale = !connected() && Date.now() - lastHeard > STALE_MS;
    if (stale && bar.hidden) {
      const at = new Date(lastHeard);
      bar.querySelector("[data-last]").textContent =
        at.toLocaleTimeString("en-GB", { timeZone: "Europe/London", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
    }
    bar.hidden = !stale;
  };

  const announce = (topic) => {
    for (const part of document.querySelectorAll("[data-live-notice]")) {
      if (part.dataset.liveTopics.split(" ").includes(topic)) part.firstElementChild.hidden = false;
    }
    htmx.trigger(document.body, topic);
  };

  const connect = () => {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    try {
      socket = new WebSocket(`${scheme}//${location.host}${document.body.dataset.live}`);
    } catch {
      retry();
      return;
    }
    socket.addEventListener("open", () => {
      const again = tries > 0;
      tries = 0;
      subscribed = "";
      subscribe();
      heard();
      if (again) htmx.trigger(document.body, "caco-poll");
    });
    socket.addEventListener("message", (event) => {
      heard();
      let told;
      try { told = JSON.parse(event.data); } catch { return; }
      if (typeof told.topic === "string") announce(told.topic);
    });
    socket.addEventListener("close", retry);
  };

  const retry = () => {
    socket = null;
    tries += 1;
    const wait = Math.min(MOST_WAIT_MS, 500 * 2 ** tries);
    setTimeout(connect, wait * (0.5 + Math.random() / 2));
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector(".problems")?.focus();
    if (!document.body.dataset.live) return;
    connect();
    setInterval(() => {
      show();
      if (!connected() && document.visibilityState === "visible") htmx.trigger(document.body, "caco-poll");
    }, POLL_MS);
    setInterval(show, 5_000);
  });
  // A fetched fragment proves the server is there, and may bring new topics.
  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) heard(); });
  document.addEventListener("htmx:afterSettle", subscribe);
  document.addEventListener("htmx:responseError", (event) => {
    const bar = document.getElementById("signed-out");
    if (bar && event.detail.xhr.status === 401) bar.hidden = false;
  });
})();
