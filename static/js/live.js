// One socket a page. It hears that a topic changed, never what: htmx then refetches the fragment with the page's own
// permissions. Without the socket every fragment is polled; after a minute of silence the page says that it is stale.
"use strict";
(() => {
  const POLL_MS = 30_000;
  const STALE_MS = 60_000;
  const MOST_WAIT_MS = 30_000;
  const RETRY_MS = 5_000;
  let socket = null;
  let tries = 0;
  let lastHeard = Date.now();
  let subscribed = "";
  let caughtUp = false;

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

  // Fragments as the server made them, taken before any other script has drawn in them. Form tokens differ each time.
  const bare = (part) => part.outerHTML.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, "");
  const fragments = () => [...document.querySelectorAll("[data-live-topics][hx-get]")];
  const made = new Map(fragments().map((part) => [part.id, bare(part)]));

  // What changed after the page was made and before the socket first listened was told to nobody here: look once.
  const catchUp = async () => {
    const parts = fragments();
    if (!parts.length) return;
    const answer = await fetch(parts[0].getAttribute("hx-get"), { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of parts) {
      const newer = page.getElementById(part.id);
      if (newer && bare(newer) !== made.get(part.id)) htmx.trigger(part, "caco-missed");
    }
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
      if (told.subscribed && !caughtUp) {
        caughtUp = true;
        catchUp();
      }
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
  // A change that could not be fetched is fetched later: the socket will not tell of it again.
  const later = (event) => {
    const part = event.detail.elt;
    if (part.matches("[data-live-topics]")) setTimeout(() => htmx.trigger(part, "caco-missed"), RETRY_MS);
  };
  document.addEventListener("htmx:sendError", later);
  document.addEventListener("htmx:responseError", (event) => {
    const { status } = event.detail.xhr;
    const bar = document.getElementById("signed-out");
    if (bar && status === 401) bar.hidden = false;
    if (status >= 500) later(event);
  });
})();
