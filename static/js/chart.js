// Draws the panes of a queries.charts.Chart with uPlot: step lines (half-hour means), a band, hatched locks, a now-line,
// one cursor over all panes. The numbers themselves stand in the table below each chart, with or without this file.
"use strict";
(() => {
  const STEP = 1800;
  const DASH = { ghost: [6, 4], limit: [2, 3], baseline: [6, 4] };
  const ZONE = "Europe/London";
  const drawn = new Map();

  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colour = (style) => token(`--data-${style}`) || token("--data-planned");
  const faded = (hex, share) => `${hex}${Math.round(share * 255).toString(16).padStart(2, "0")}`;
  const local = (seconds) => uPlot.tzDate(new Date(seconds * 1000), ZONE);
  const number = (value) => (value == null ? "—" : value.toLocaleString("en-GB", { maximumFractionDigits: Math.abs(value) < 10 ? 2 : 0 }));

  // 16:30, with the day under the first label of each day; whole days when the axis is that long.
  const times = (_, splits, __, ___, step) => {
    let before = "";
    return splits.map((split) => {
      const at = local(split);
      const day = at.toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short" });
      const fresh = day !== before;
      before = day;
      if (step >= 86_400) return day;
      const clock = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
      return fresh ? `${clock}\n${day}` : clock;
    });
  };

  // A step holds to the end of its half hour, so the last value is repeated at the end of the axis.
  const column = (values, slots) => {
    const found = Array.from({ length: slots }, (_, i) => (i < values.length ? values[i] : null));
    return [...found, found[slots - 1]];
  };

  const hatch = (context, shade) => {
    const tile = document.createElement("canvas");
    const size = 8 * devicePixelRatio;
    tile.width = tile.height = size;
    const pen = tile.getContext("2d");
    pen.strokeStyle = shade;
    pen.lineWidth = devicePixelRatio;
    pen.beginPath();
    for (const from of [-size, 0, size]) { pen.moveTo(from, size); pen.lineTo(from + size, 0); }
    pen.stroke();
    return context.createPattern(tile, "repeat");
  };

  const drawLocks = (plot, data, pane) => {
    if (!pane.locks.length) return;
    const pen = plot.ctx;
    const shade = colour("lock");
    pen.save();
    pen.setLineDash([]);
    for (const lock of pane.locks) {
      const left = plot.valToPos(data.start + lock.first * STEP, "x", true);
      const right = plot.valToPos(data.start + lock.last * STEP, "x", true);
      const edge = plot.valToPos(lock.kw, "y", true);
      const foot = plot.bbox.top + plot.bbox.height;
      const [from, to] = lock.below ? [plot.bbox.top, edge] : [edge, foot];
      pen.fillStyle = hatch(pen, shade);
      pen.fillRect(left, from, right - left, to - from);
      pen.strokeStyle = shade;
      pen.lineWidth = 2 * devicePixelRatio;
      pen.beginPath();
      pen.moveTo(left, edge);
      pen.lineTo(right, edge);
      pen.stroke();
    }
    pen.restore();
  };

  const drawNow = (plot, data) => {
    if (data.now < data.start || data.now > data.start + data.slots * STEP) return;
    const at = Math.round(plot.valToPos(data.now, "x", true));
    const pen = plot.ctx;
    pen.save();
    pen.strokeStyle = pen.fillStyle = token("--ink");
    pen.lineWidth = devicePixelRatio;
    pen.setLineDash([]);
    pen.beginPath();
    pen.moveTo(at, plot.bbox.top);
    pen.lineTo(at, plot.bbox.top + plot.bbox.height);
    pen.stroke();
    pen.font = `${11 * devicePixelRatio}px ${token("--sans")}`;
    const room = plot.bbox.left + plot.bbox.width - at > 32 * devicePixelRatio;
    pen.textAlign = room ? "left" : "right";
    pen.textBaseline = "top";
    pen.fillText("now", at + (room ? 4 : -4) * devicePixelRatio, plot.bbox.top + 2 * devicePixelRatio);
    pen.restore();
  };

  const title = (pane) => {
    const line = document.createElement("p");
    line.className = "pane-title";
    const name = document.createElement("strong");
    name.textContent = `${pane.title}, ${pane.unit}`;
    line.append(name);
    const outputs = pane.lines.map((series) => {
      const legend = document.createElement("span");
      legend.className = "legend";
      const stroke = document.createElement("i");
      stroke.style.borderTopColor = colour(series.style);
      stroke.style.borderTopStyle = DASH[series.style] ? "dashed" : "solid";
      const value = document.createElement("output");
      legend.append(stroke, series.name, value);
      if (pane.lines.length > 1 || pane.low.length) line.append(legend);
      else line.append(value);
      return value;
    });
    if (pane.low.length) {
      const band = document.createElement("span");
      band.textContent = "Band: P10 to P90";
      line.append(band);
    }
    if (pane.locks.length) {
      const held = document.createElement("span");
      held.className = "legend";
      const key = document.createElement("i");
      key.className = "key-lock";
      held.append(key, "Held for an order");
      line.append(held);
    }
    return { line, outputs };
  };

  const options = (data, pane, at, width, outputs, last) => {
    const shade = (style) => colour(style);
    const lines = pane.lines.map((series) => ({
      label: series.name,
      stroke: shade(series.style),
      width: series.style === "limit" ? 1 : 2,
      dash: DASH[series.style],
      paths: uPlot.paths.stepped({ align: 1 }),
      points: { show: false },
      fill: series.style === "planned" ? faded(shade(series.style), 0.1) : undefined,
    }));
    const band = pane.low.length
      ? ["low", "high"].map((name) => ({ label: name, stroke: "transparent", paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } }))
      : [];
    const soft = token("--soft");
    const grid = { stroke: token("--line"), width: 1 };
    return {
      width,
      height: at === 0 ? 260 : 130,
      tzDate: local,
      legend: { show: false },
      cursor: { sync: { key: data.key }, y: false, points: { show: false }, drag: { x: true, y: false } },
      scales: {
        x: { time: true },
        y: { range: (_, low, high) => (low === high ? [Math.min(0, low), high + 1] : [Math.min(0, low), high + (high - Math.min(0, low)) * 0.08]) },
      },
      series: [{}, ...lines, ...band],
      bands: band.length ? [{ series: [lines.length + 2, lines.length + 1], fill: faded(shade(pane.lines[0].style), Number(token("--data-band"))) }] : [],
      axes: [
        {
          stroke: soft, grid, ticks: grid, size: last ? 48 : 8, values: last ? times : (_, splits) => splits.map(() => ""),
          space: 72, font: `12px ${token("--sans")}`,
        },
        { stroke: soft, grid, ticks: grid, size: 56, space: 32, values: (_, splits) => splits.map((v) => v.toLocaleString("en-GB")), font: `12px ${token("--sans")}` },
      ],
      hooks: {
        draw: [(plot) => drawLocks(plot, data, pane), (plot) => drawNow(plot, data)],
        setCursor: [(plot) => {
          const index = plot.cursor.idx;
          const slot = index == null ? null : Math.min(index, data.slots - 1);
          pane.lines.forEach((series, i) => { outputs[i].textContent = slot == null ? "" : number(series.values[slot]); });
        }],
      },
    };
  };

  const draw = (figure) => {
    const source = document.getElementById(figure.dataset.chart);
    const box = figure.querySelector(".chart-panes");
    if (!source || !box || typeof uPlot === "undefined") return;
    clear(figure);
    const data = JSON.parse(source.textContent);
    data.key = figure.dataset.chart;
    const starts = Array.from({ length: data.slots + 1 }, (_, i) => data.start + i * STEP);
    const width = Math.max(240, box.clientWidth);
    drawn.set(figure, data.panes.map((pane, at) => {
      const { line, outputs } = title(pane);
      box.append(line);
      const columns = [starts, ...pane.lines.map((series) => column(series.values, data.slots))];
      if (pane.low.length) columns.push(column(pane.low, data.slots), column(pane.high, data.slots));
      return new uPlot(options(data, pane, at, width, outputs, at === data.panes.length - 1), columns, box);
    }));
  };

  const clear = (figure) => {
    for (const plot of drawn.get(figure) || []) plot.destroy();
    drawn.delete(figure);
    figure.querySelector(".chart-panes").replaceChildren();
  };

  const all = () => {
    for (const figure of [...drawn.keys()]) if (!figure.isConnected) drawn.delete(figure);
    for (const figure of document.querySelectorAll("figure[data-chart]")) draw(figure);
  };

  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(all, 120);
  };
  document.addEventListener("DOMContentLoaded", all);
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.querySelector?.("figure[data-chart]") || event.target.matches?.("figure[data-chart]")) all();
  });
  document.addEventListener("caco-theme", all);
  addEventListener("resize", soon);
})();
