"use strict";
const $ = id => document.getElementById(id);

// What plugins say stays text. Letters that are not seen, or that turn round what stands beside them, are spelled
// out, so that no name looks like another one.
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const plain = text => String(text).replace(unseen, letter => "\\u{" + letter.codePointAt(0).toString(16) + "}");
const fillNode = (node, attributes, children) => {
  for (const [key, value] of Object.entries(attributes || {}))
    if (value !== undefined && value !== null && value !== false) node.setAttribute(key, key === "title" ? plain(value) : value);
  node.append(...children.filter(c => c !== undefined && c !== null && c !== false).map(c => c instanceof Node ? c : plain(c)));
  return node;
};
const el = (name, attributes, ...children) => fillNode(document.createElement(name), attributes, children);
const svg = (name, attributes, ...children) =>
  fillNode(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
// Nothing is written that is there already, so that what a person has chosen or selected stays.
const say = (node, text) => { const wanted = plain(text); if (node.textContent !== wanted) node.textContent = wanted; };
const list = (node, pairs) => {
  const shown = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
  const mark = JSON.stringify(shown.map(([name, value]) => [name, value instanceof Node ? value.textContent : value]));
  if (node.dataset.mark === mark) return;
  node.dataset.mark = mark;
  node.replaceChildren(...shown.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
};

// Numbers for people.
const span = ms => ms < 1000 ? Math.round(ms) + " ms" : ms < 6e4 ? (ms / 1e3).toFixed(1) + " s"
  : ms < 36e5 ? Math.floor(ms / 6e4) + "m " + Math.floor(ms % 6e4 / 1e3) + "s"
  : ms < 1728e5 ? Math.floor(ms / 36e5) + "h " + Math.floor(ms % 36e5 / 6e4) + "m"
  : Math.floor(ms / 864e5) + "d " + Math.floor(ms % 864e5 / 36e5) + "h";
const three = n => n >= 99.95 ? String(Math.round(n)) : n.toPrecision(n < 1 ? 2 : 3);
const fine = ns => ns == null ? "–" : ns < 1e3 ? Math.round(ns) + " ns" : ns < 1e6 ? three(ns / 1e3) + " µs"
  : ns < 1e9 ? three(ns / 1e6) + " ms" : span(ns / 1e6);
const bytes = n => { let u = 0; while (n >= 1024 && u < 4) { n /= 1024; u++; }
  return (u && n < 100 ? n.toFixed(1) : Math.round(n)) + " " + ["B", "KiB", "MiB", "GiB", "TiB"][u]; };
const clock = ms => new Date(ms).toLocaleString();
const isToday = ms => new Date(ms).toDateString() === new Date().toDateString();
const when = ms => isToday(ms) ? new Date(ms).toLocaleTimeString() : clock(ms);
const hour = ms => new Date(ms).toLocaleTimeString();
const count = n => n.toLocaleString("en");
const some = (n, one) => count(n) + " " + one + (n === 1 ? "" : "s");
const failures = new Set(["error", "crash", "exit", "timeout", "peer_failed", "host_died", "quarantined"]);
const isFailed = record => failures.has(record.reason.kind);
const reason = record => record.reason.kind + (record.reason.signal ? " " + record.reason.signal : "");
const identity = record => record.plugin + "/" + record.routine;
// The natural order of names: worker-2 before worker-10.
const names = new Intl.Collator("en", { numeric: true });
const compare = (x, y) => typeof x === "string" && typeof y === "string" ? names.compare(x, y) : x < y ? -1 : x > y ? 1 : 0;

// Where a routine, or one of its sessions, is in this page.
const link = (id, session) => {
  const slash = id.indexOf("/");
  return "#/" + encodeURIComponent(id.slice(0, slash)) + "/" + encodeURIComponent(id.slice(slash + 1)) + (session ? "/" + session : "");
};

// The duration below which a share of those in a histogram stayed, in ns: buckets are powers of two from 1.024 us on.
function quantile(counts, share) {
  const all = counts.reduce((sum, n) => sum + n, 0);
  if (!all) return null;
  let below = 0;
  for (let b = 0; b < counts.length; b++) {
    if (!counts[b]) continue;
    if (below + counts[b] >= share * all) {
      const high = 1024 * 2 ** b, low = b ? high / 2 : 0;
      return low + (high - low) * Math.max(0, share * all - below) / counts[b];
    }
    below += counts[b];
  }
  return 1024 * 2 ** (counts.length - 1);
}

// What each routine did while the page was open: the differences between one refresh and the next. The host keeps
// nothing for it.
const trails = new Map();
function follow(r, now, most) {
  let trail = trails.get(r.id);
  if (!trail) trails.set(r.id, trail = { points: [], since: now, last: r });
  const last = trail.last, cycles = r.cycles_total - last.cycles_total;
  if (cycles > 0) {
    const less = (key, share) => quantile(r[key].map((n, b) => Math.max(0, n - last[key][b])), share);
    trail.points.push({ from: trail.since, to: now, cycles, mean: (r.duration_total_ns - last.duration_total_ns) / cycles,
      p50: less("durations", 0.5), p99: less("durations", 0.99), late50: less("lateness", 0.5), late99: less("lateness", 0.99) });
    if (trail.points.length > most) trail.points = thinned(trail.points);
  }
  // Without a cycle, the next point reaches back to the last one.
  if (cycles !== 0) { trail.last = r; trail.since = now; }
  return trail;
}
// Two neighbours become one, in the older half: what is long past needs fewer points.
function thinned(points) {
  const old = points.slice(0, points.length >> 1), kept = [];
  const worse = (a, b) => a == null ? b : b == null ? a : Math.max(a, b);
  for (let i = 0; i < old.length; i += 2) {
    const a = old[i], b = old[i + 1];
    kept.push(!b ? a : { from: a.from, to: b.to, cycles: a.cycles + b.cycles,
      mean: (a.mean * a.cycles + b.mean * b.cycles) / (a.cycles + b.cycles),
      p50: a.cycles > b.cycles ? a.p50 : b.p50, late50: a.cycles > b.cycles ? a.late50 : b.late50,
      p99: worse(a.p99, b.p99), late99: worse(a.late99, b.late99) });
  }
  return kept.concat(points.slice(old.length));
}
// A line of the newest values, as high as a row of a table.
function trend(values, label) {
  const box = svg("svg", { width: 70, height: 20, role: "img", "aria-label": label });
  if (values.length < 2) return box;
  const top = Math.max(...values, 1e-9), step = 68 / (values.length - 1);
  box.append(svg("polyline", { class: "trend",
    points: values.map((v, i) => (1 + i * step).toFixed(1) + "," + (18 - v / top * 16).toFixed(1)).join(" ") }));
  return box;
}
function spread(counts) {
  const box = svg("svg", { width: 74, height: 20, role: "img", "aria-label": "spread of durations, 1 us to 4 s" });
  const top = Math.max(...counts, 1);
  counts.forEach((n, i) => { if (n > 0) {
    const height = Math.max(1.5, Math.log1p(n) / Math.log1p(top) * 18);
    box.append(svg("rect", { class: "spread", x: i * 3 + 1, y: 19 - height, width: 2.4, height }));
  } });
  return box;
}

// A histogram with its axis. The heights are logarithms, so that a single slow cycle among millions is seen.
function histogram(box, counts, label) {
  const mark = counts.join();
  const width = Math.max(200, box.clientWidth || 400);
  if (box.dataset.mark === mark + width) return;
  box.dataset.mark = mark + width;
  const first = counts.findIndex(n => n > 0);
  if (first < 0) { box.replaceChildren(el("p", { class: "empty" }, "No cycle yet.")); return; }
  let last = counts.length - 1;
  while (!counts[last]) last--;
  const from = Math.max(0, Math.min(first, last - 5)), shown = counts.slice(from, Math.max(last, from + 5) + 1);
  const high = 110, floor = high - 20, step = width / shown.length, top = Math.log1p(Math.max(...shown));
  const image = svg("svg", { width: "100%", height: high, viewBox: "0 0 " + width + " " + high, role: "img", "aria-label": label + ": "
    + shown.map((n, i) => n ? count(n) + " up to " + fine(1024 * 2 ** (from + i)) : "").filter(Boolean).join(", ") });
  const every = Math.ceil(56 / step);
  shown.forEach((n, i) => {
    const height = n ? Math.max(2, Math.log1p(n) / top * (floor - 14)) : 0, end = 1024 * 2 ** (from + i);
    const bar = svg("rect", { class: "spread", x: (i * step + 1).toFixed(1), y: floor - height, width: (step - 2).toFixed(1), height, rx: 1 },
      svg("title", {}, count(n) + " of " + fine(end / 2) + " to " + fine(end)));
    image.append(bar);
    if (n && step >= 26) image.append(svg("text", { class: "axis", x: i * step + step / 2, y: floor - height - 3, "text-anchor": "middle" }, brief(n)));
    const at = (i + 1) * step;
    if ((shown.length - 1 - i) % every === 0 && at > 20)
      image.append(svg("text", { class: "axis", x: at, y: high - 5, "text-anchor": at > width - 24 ? "end" : "middle" }, fine(end)));
  });
  image.append(svg("line", { class: "grid", x1: 0, x2: width, y1: floor + 0.5, y2: floor + 0.5 }));
  box.replaceChildren(image);
}
const brief = n => n < 1e4 ? String(n) : n < 1e6 ? Math.round(n / 1e3) + "k" : n < 1e9 ? (n / 1e6).toFixed(1) + "M" : (n / 1e9).toFixed(1) + "G";

// Times of day, or dates where the chart is longer than that.
function timeAxis(image, from, to, x, y, marks) {
  const isLong = to - from > 1728e5;
  for (let i = 0; i <= marks; i++) {
    const at = from + (to - from) * i / marks, date = new Date(at);
    image.append(svg("text", { class: "axis", x: x(at), y, "text-anchor": i === 0 ? "start" : i === marks ? "end" : "middle" },
      isLong ? date.toLocaleDateString() : date.toLocaleTimeString()));
  }
}

// Steps over time on a logarithmic scale: each has from, to, and the lower and upper value in ns; `low` and `high` name
// them. Failures are marks at the foot. The pointer and the arrow keys read the values.
function timeChart(box, steps, marks, from, to, low, high, label) {
  const width = Math.max(240, box.clientWidth || 600), height = width < 500 ? 150 : 180, left = 58, foot = height - 20;
  const seen = steps.filter(s => s.to >= from && s[low] > 0);
  if (!seen.length) {
    delete box.dataset.at;
    box.replaceChildren(el("p", { class: "empty" }, "No cycle in this time."));
    return;
  }
  const values = seen.flatMap(s => [s[low], s[high]].filter(v => v > 0));
  let bottom = Math.floor(Math.log10(Math.min(...values))), top = Math.ceil(Math.log10(Math.max(...values)));
  if (top <= bottom) top = bottom + 1;
  const x = ms => left + (Math.max(from, Math.min(to, ms)) - from) / (to - from) * (width - left - 6);
  const y = v => foot - 4 - (Math.log10(Math.max(v, 10 ** bottom)) - bottom) / (top - bottom) * (foot - 14);
  const newest = seen[seen.length - 1];
  const image = svg("svg", { width: "100%", height, viewBox: "0 0 " + width + " " + height, role: "img", tabindex: "0",
    "aria-label": label + ", last p50 " + fine(newest[low]) + ", p99 " + fine(newest[high]) + "; arrow keys read the values" });
  for (let power = bottom; power <= top; power++) {
    const at = Math.round(y(10 ** power)) + 0.5;
    image.append(svg("line", { class: "grid", x1: left, x2: width - 6, y1: at, y2: at }),
      svg("text", { class: "axis", x: left - 6, y: at + 4, "text-anchor": "end" }, fine(10 ** power)));
  }
  const path = key => {
    let d = "", end = -Infinity;
    for (const s of seen) {
      if (!(s[key] > 0)) continue;
      const a = x(s.from).toFixed(1), b = Math.max(x(s.to), x(s.from) + 1).toFixed(1), at = y(s[key]).toFixed(1);
      d += (s.from - end > 1500 || !d ? "M" : "L") + a + " " + at + "H" + b;
      end = s.to;
    }
    return d;
  };
  image.append(svg("path", { class: "line worst", d: path(high) }), svg("path", { class: "line", d: path(low) }));
  for (const m of marks) if (m.at >= from)
    image.append(svg("path", { class: "failure", d: "M" + x(m.at).toFixed(1) + " " + (foot - 2) + "l-4 6h8z" }, svg("title", {}, m.text)));
  const cursor = svg("line", { class: "cursor", y1: 8, y2: foot, x1: -9, x2: -9 });
  image.append(cursor);
  timeAxis(image, from, to, x, height - 4, width < 500 ? 2 : 4);
  const readout = box.nextElementSibling;
  const read = index => {
    const s = seen[Math.max(0, Math.min(seen.length - 1, index))], at = (x(s.from) + x(s.to)) / 2;
    box.dataset.at = s.from;
    cursor.setAttribute("x1", at); cursor.setAttribute("x2", at);
    say(readout, (s.note || hour(s.to)) + ": p50 " + fine(s[low]) + ", p99 " + fine(s[high]) + (s.cycles ? ", " + some(s.cycles, "cycle") : ""));
  };
  const nearest = ms => seen.reduce((best, s, i) => {
    const away = s => ms < s.from ? s.from - ms : ms > s.to ? ms - s.to : 0;
    return away(s) <= away(seen[best]) ? i : best;
  }, 0);
  const chosen = () => box.dataset.at ? seen.findIndex(s => s.from === Number(box.dataset.at)) : -1;
  image.onpointermove = event => {
    const place = image.getBoundingClientRect();
    read(nearest(from + ((event.clientX - place.left) / place.width * width - left) / (width - left - 6) * (to - from)));
  };
  const leave = () => { delete box.dataset.at; cursor.setAttribute("x1", -9); cursor.setAttribute("x2", -9); say(readout, ""); };
  image.onpointerleave = leave;
  image.onblur = leave;
  image.onkeydown = event => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    const index = chosen();
    read(index < 0 ? (way < 0 ? seen.length - 1 : 0) : index + way);
  };
  const hadFocus = box.contains(document.activeElement);
  const old = box.firstChild;
  if (old) old.onblur = null;
  box.replaceChildren(image);
  if (hadFocus) image.focus({ preventScroll: true });
  if (box.dataset.at) { const index = chosen(); if (index >= 0) read(index); else delete box.dataset.at; }
}

// A value over the time that the page is open, from 0 on.
function gauge(box, points, key, text, label) {
  const width = Math.max(200, box.clientWidth || 400), height = 90, foot = height - 18, left = 64;
  const seen = points.filter(p => p[key] != null);
  if (seen.length < 2) { box.replaceChildren(el("p", { class: "empty" }, seen.length ? text(seen[0][key]) : "Not known yet.")); return; }
  const top = Math.max(...seen.map(p => p[key])) * 1.1 || 1, from = seen[0].at, to = seen[seen.length - 1].at;
  const x = at => left + (at - from) / (to - from) * (width - left - 6), y = v => foot - v / top * (foot - 10);
  const image = svg("svg", { width: "100%", height, viewBox: "0 0 " + width + " " + height, role: "img",
    "aria-label": label + ": " + text(seen[seen.length - 1][key]) });
  for (const v of [0, top / 1.1]) image.append(svg("line", { class: "grid", x1: left, x2: width - 6, y1: y(v), y2: y(v) }),
    svg("text", { class: "axis", x: left - 6, y: y(v) + 4, "text-anchor": "end" }, text(v)));
  image.append(svg("polyline", { class: "trend", points: seen.map(p => x(p.at).toFixed(1) + "," + y(p[key]).toFixed(1)).join(" ") }));
  timeAxis(image, from, to, x, height - 3, 1);
  box.replaceChildren(image);
}
const embedded = $("data") ? JSON.parse($("data").textContent) : null;
let status = null, records = [], listed = null, showsAll = false, order = { key: "id", down: false };
const mostRows = 200, mostLanes = 40;

// Routines.
const why = r => !r.why ? "" : !r.failing_since_ms ? r.why : "failed " + (r.failures_in_row === 1 ? "once" : count(r.failures_in_row)
  + " times") + " in " + span(Math.max(0, status.now_ms - r.failing_since_ms)) + ": " + r.why;
const columns = [
  { title: "Routine", key: "id", mark: r => r.id },
  { title: "State", key: "state", mark: r => r.state + why(r), node: r => el("div", {}, el("span", { class: "state " + r.state }, r.state.replace("_", " ")),
    r.why && el("span", { class: "why", title: why(r) }, why(r))) },
  { title: "Cycle", key: "cycle", n: true, rank: "small", text: r => count(r.cycle) + (r.max_cycles ? " / " + count(r.max_cycles) : "") },
  { title: "Last", key: "last_start_ms", n: true, rank: "wide", text: r => r.last_start_ms ? span(Math.max(0, status.now_ms - r.last_start_ms)) + " ago" : "–" },
  { title: "Next", key: "next_start_ms", n: true, text: r => r.next_start_ms ? "in " + span(Math.max(0, r.next_start_ms - status.now_ms)) : "–" },
  { title: "p50", key: "duration_p50_ns", n: true, rank: "middle", text: r => fine(r.duration_p50_ns) },
  { title: "p99", key: "duration_p99_ns", n: true, rank: "small", text: r => fine(r.duration_p99_ns) },
  { title: "Late p99", key: "lateness_p99_ns", n: true, rank: "wide", text: r => fine(r.lateness_p99_ns) },
  { title: "Missed", key: "missed_total", n: true, rank: "middle", text: r => count(r.missed_total) },
  { title: "Failed", key: "failures_total", n: true, text: r => count(r.failures_total), bad: r => r.failures_total > 0 },
  { title: "Sessions", key: "sessions_total", n: true, rank: "wide", text: r => count(r.sessions_total) },
  { title: "Hits / loads", key: "cache_hits", n: true, rank: "middle", text: r => count(r.cache_hits) + " / " + count(r.cache_loads) },
  { title: "Trend", rank: "middle", mark: r => r.cycles_total, node: r => trend(((trails.get(r.id) || {}).points || []).slice(-60).map(p => p.mean), "mean durations of the newest cycles") },
  { title: "Spread", rank: "middle", mark: r => r.cycles_total, node: r => spread(r.durations) },
].filter(c => c.title !== "Trend" || !embedded);
// Narrow windows omit the less important columns; a click on a routine opens it, with everything.
const look = c => (c.n ? "n " : "") + (c.rank || "");
function heads() {
  $("routines").tHead.replaceChildren(el("tr", {}, ...columns.map(c => {
    const head = el("th", { class: look(c) });
    if (!c.key) { head.append(c.title); return head; }
    if (order.key === c.key) head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
    const button = el("button", { type: "button" }, c.title);
    button.onclick = () => { order = { key: c.key, down: order.key === c.key ? !order.down : c.n === true }; heads(); routines(); };
    head.append(button);
    return head;
  })));
}
// Each row is created once. Later only the cells that have changed are written, and only in visible rows: this
// keeps the page fast with a thousand routines.
const rows = new Map();
let placed = [];
function row(r) {
  let entry = rows.get(r.id);
  if (!entry) {
    const cells = columns.map(c => el("td", { class: look(c) }));
    entry = { row: el("tr", {}, ...cells), cells, shown: [] };
    entry.row.onclick = event => { if (!event.target.closest("a") && !String(getSelection())) location.hash = link(r.id); };
    entry.cells[0].append(el("a", { href: link(r.id) }, r.id));
    entry.shown[0] = r.id;
    rows.set(r.id, entry);
  }
  entry.routine = r;
  return entry;
}
function fill(entry) {
  const r = entry.routine;
  columns.forEach((c, i) => {
    const mark = c.mark ? c.mark(r) : c.text(r), cell = entry.cells[i];
    if (entry.shown[i] === mark) return;
    entry.shown[i] = mark;
    if (c.node) cell.replaceChildren(c.node(r)); else say(cell, mark);
    if (c.bad) cell.className = look(c) + (c.bad(r) ? " bad" : "");
  });
}
function fillSeen(all) {
  const body = $("routines").tBodies[0].getBoundingClientRect(), high = body.height / placed.length || 24;
  const few = all === true || placed.length <= 60;
  const first = few ? 0 : Math.max(0, Math.floor((-body.top - 400) / high));
  const last = few ? placed.length : Math.ceil((innerHeight - body.top + 400) / high);
  placed.slice(first, Math.max(first, last)).forEach(fill);
}
// Workers, with what they use of a processor since the last refresh.
const usages = new Map();
function use(w, now) {
  let usage = usages.get(w.pid);
  if (!usage) usages.set(w.pid, usage = { points: [], cpu: w.cpu_ms, at: now });
  const passed = now - usage.at;
  if (passed >= 1000 || !usage.points.length) {
    const share = passed > 0 && w.cpu_ms != null && usage.cpu != null ? Math.max(0, w.cpu_ms - usage.cpu) / passed : null;
    usage.points.push({ at: now, memory: w.resident_bytes, share });
    if (usage.points.length > 300) usage.points.shift();
    usage.cpu = w.cpu_ms;
    usage.at = now;
  }
  return usage;
}
const percent = share => share == null ? "–" : (share * 100).toFixed(share < 0.1 ? 1 : 0) + " %";
const newest = points => points.length ? points[points.length - 1] : {};
function workers() {
  if (!status) { $("workers").closest("section").hidden = true; return; }
  for (const w of status.workers) use(w, status.now_ms);
  if (usages.size > status.workers.length) {
    const present = new Set(status.workers.map(w => w.pid));
    for (const pid of usages.keys()) if (!present.has(pid)) usages.delete(pid);
  }
  const all = [...status.workers].sort((a, b) => compare(a.name, b.name));
  $("workers").tBodies[0].replaceChildren(...all.slice(0, mostRows).map(w => {
    const points = (usages.get(w.pid) || { points: [] }).points;
    return el("tr", {}, el("td", {}, w.name), el("td", { class: "n small" }, w.pid), el("td", { class: "n" }, span(w.uptime_ms)),
      el("td", { class: "n small" }, count(w.sessions)), el("td", { class: "n" }, w.resident_bytes ? bytes(w.resident_bytes) : "–"),
      el("td", { class: "small" }, embedded ? "" : trend(points.slice(-60).map(p => p.memory || 0), "memory while this page is open")),
      el("td", { class: "n" }, percent(newest(points).share)), el("td", { class: "n small" }, w.cpu_ms == null ? "–" : span(w.cpu_ms)));
  }));
  say($("more-workers"), all.length > mostRows ? "The first " + mostRows + " of " + count(all.length) + " are shown." : "");
}
function routines() {
  if (!status) { $("routines").closest("section").hidden = true; return; }
  const wanted = $("filter").value.trim().toLowerCase();
  const all = status.routines.filter(r => !wanted || r.id.toLowerCase().includes(wanted) || r.state.includes(wanted));
  const value = r => r[order.key] === undefined ? -1 : r[order.key];
  all.sort((a, b) => (compare(value(a), value(b)) || compare(a.id, b.id)) * (order.down ? -1 : 1));
  const shown = showsAll ? all : all.slice(0, mostRows);
  const entries = shown.map(row);
  if (entries.length !== placed.length || entries.some((entry, i) => entry !== placed[i])) {
    placed = entries;
    $("routines").tBodies[0].replaceChildren(...entries.map(entry => entry.row));
  }
  if (rows.size > status.routines.length) {
    const present = new Set(status.routines.map(r => r.id));
    for (const id of rows.keys()) if (!present.has(id)) { rows.delete(id); trails.delete(id); }
  }
  fillSeen();
  const more = $("more");
  more.replaceChildren();
  if (all.length > shown.length) {
    const button = el("button", { type: "button" }, "Show all " + count(all.length));
    button.onclick = () => { showsAll = true; routines(); };
    more.append("The first " + shown.length + " are shown. ", button);
  } else if (!all.length) more.append("No routine matches.");
}
function sums() {
  if (!status) return;
  const s = status, by = state => s.routines.filter(r => state.includes(r.state)).length;
  const total = key => s.routines.reduce((sum, r) => sum + r[key], 0);
  const cards = [
    ["plugins", s.plugins.filter(p => p.state === "ready").length], ["routines", s.routines.length],
    ["in a session", by(["waiting", "running", "starting", "paused"])],
    ["quarantined", by(["quarantined"]), true], ["failing", by(["failing", "backing_off"]), true], ["refused plugins", s.plugins.filter(p => p.state === "refused").length, true],
    ["cycles", total("cycles_total")], ["failed sessions", total("failed_sessions_total"), true],
    ["workers", s.workers.length],
    ["in a sandbox" + (s.sandbox && s.sandbox.missing ? " without " + s.sandbox.missing : ""),
      s.workers.filter(w => w.sandbox !== "off").length],
    ["processor time", span(s.workers.reduce((sum, w) => sum + (w.cpu_ms || 0), s.cpu_ms || 0))],
  ];
  $("sums").replaceChildren(...cards.map(([name, value, isBad]) =>
    el("div", isBad && value ? { class: "bad" } : {}, el("b", {}, typeof value === "number" ? count(value) : value), el("span", {}, name))));
  $("limits").replaceChildren(...s.workers.filter(w => (w.limits || []).length).slice(0, 50).map(w =>
    el("p", {}, w.name + " (worker " + w.pid + "): " + w.limits.map(l => l.text).join(", "))));
  $("refused").replaceChildren(...s.plugins.filter(p => p.why).map(p => el("p", {}, p.file + ": " + p.why)));
  greet(s);
}

const greet = s => say($("host"), s.version + " on " + s.host + ", pid " + s.pid + ", up " + span(s.uptime_ms) + ", plugins " + s.plugins_path);

// Sessions over time.
function timeline() {
  if (!status && !embedded) return;
  const now = status ? status.now_ms : embedded.made_ms;
  const lanes = new Map();
  const lane = id => { if (!lanes.has(id)) lanes.set(id, []); return lanes.get(id); };
  for (const r of records) lane(identity(r)).push({ from: r.start_ms, to: r.finish_ms, record: r });
  if (status) for (const r of status.routines) if (r.session_start_ms) lane(r.id).push({ from: r.session_start_ms, to: now });
  const shown = [...lanes.keys()].sort((a, b) => {
    const bad = id => lanes.get(id).filter(s => s.record && isFailed(s.record)).length;
    return bad(b) - bad(a) || compare(a, b);
  }).slice(0, mostLanes);
  if (!shown.length) { $("timeline").replaceChildren(el("p", { class: "empty" }, "No session yet.")); return; }
  const all = shown.flatMap(name => lanes.get(name));
  const from = Math.min(...all.map(s => s.from)), to = Math.max(now, ...all.map(s => s.to), from + 1000);
  const width = Math.max(240, $("timeline").clientWidth || 900), isNarrow = width < 560, high = 22;
  const left = isNarrow ? Math.round(width * 0.36) : 200, letters = Math.floor(left / 6.7), marks = isNarrow ? 2 : 4;
  const x = ms => left + (ms - from) / (to - from) * (width - left - 8);
  const box = svg("svg", { width: "100%", height: shown.length * high + 22, viewBox: "0 0 " + width + " " + (shown.length * high + 22) });
  shown.forEach((name, row) => {
    const y = row * high;
    box.append(svg("text", { class: "name", x: 0, y: y + 15 }, name.length > letters ? name.slice(0, letters - 1) + "…" : name),
      svg("rect", { class: "lane", x: left, y: y + 4, width: width - left - 8, height: high - 8, rx: 2 }));
    for (const s of lanes.get(name)) {
      const bad = s.record && isFailed(s.record);
      const bar = svg("rect", { class: "session" + (bad ? " failed" : s.record ? "" : " open"), x: x(s.from).toFixed(1),
        y: y + (bad ? 2 : 6), width: Math.max(2, x(s.to) - x(s.from) - 1).toFixed(1), height: bad ? high - 4 : high - 12, rx: 1 });
      bar.append(svg("title", {}, name + ": " + (s.record ? s.record.reason.kind + ", " + span(s.record.duration_ms) : "running")));
      bar.onclick = () => { location.hash = link(name, s.record && s.record.session); };
      box.append(bar);
    }
  });
  timeAxis(box, from, to, x, shown.length * high + 16, marks);
  const key = el("div", { class: "key" });
  for (const [color, name] of [["--good", "ended as it should"], ["--bad", "failed"], ["--accent", "running"]]) {
    const mark = el("i"); mark.style.background = "var(" + color + ")"; key.append(el("span", {}, mark, name));
  }
  if (lanes.size > shown.length) key.append(el("span", {}, "those with the most failures, of " + count(lanes.size) + " routines"));
  $("timeline").replaceChildren(box, key);
}
// The newest sessions of all routines. A click leads to the routine, where the session is opened.
function ended() {
  const mark = records.length + (records.length ? records[records.length - 1].session : "") + $("failed").checked;
  if (mark === listed) return;
  listed = mark;
  const shown = records.filter(r => !$("failed").checked || isFailed(r)).slice(-mostRows).reverse();
  const lines = shown.map(r => {
    const place = link(identity(r), r.session);
    const row = el("tr", {}, el("td", { title: clock(r.finish_ms) }, when(r.finish_ms)), el("td", {}, el("a", { href: place }, identity(r))),
      el("td", isFailed(r) ? { class: "bad" } : {}, (isFailed(r) ? "✕ " : "") + reason(r)),
      el("td", { class: "text" }, [r.reason.text, r.reason.frame].filter(Boolean).join(" in ")),
      el("td", { class: "n" }, count(r.cycles)), el("td", { class: "n small" }, count(r.failures)), el("td", { class: "n small" }, span(r.duration_ms)));
    row.onclick = event => { if (!event.target.closest("a") && !String(getSelection())) location.hash = place; };
    return row;
  });
  $("records").tBodies[0].replaceChildren(...(lines.length ? lines : [el("tr", {}, el("td", { colspan: 7 }, "None."))]));
}

// Everything that a record has.
function fields(r) {
  const times = r.cycle_times || {};
  return [["started", clock(r.start_ms)], ["finished", clock(r.finish_ms)], ["duration", span(r.duration_ms)],
    ["clock set by", r.clock_step_ms ? span(Math.abs(r.clock_step_ms)) + (r.clock_step_ms < 0 ? " back" : " on") : ""],
    ["reason", reason(r)], ["text", r.reason.text], ["in cycle", r.reason.cycle], ["phase", r.reason.phase], ["frame", r.reason.frame],
    ["cycles", count(r.cycles)], ["errors", r.failures], ["missed", r.missed],
    ["cycles took", r.cycle_times ? "p50 " + fine(times.p50_ns) + ", p99 " + fine(times.p99_ns) + ", longest " + fine(times.longest_ns) : ""],
    ["cycles were late", r.cycle_times ? "p50 " + fine(times.late_p50_ns) + ", p99 " + fine(times.late_p99_ns) : ""],
    ["lifetime cycles", r.lifetime_cycles], ["plugin version", r.plugin_version], ["build", r.build], ["host", r.host], ["pid", r.pid],
    ["session", r.session], ...Object.entries(r.stats || {})];
}

// A crash report as a person reads it: what happened, and the frames, innermost first.
function crash(report, plugin) {
  const frames = ((report.threads || []).find(t => t.crashed) || (report.threads || [])[0] || { frames: [] }).frames || [];
  let own = null;
  const file = image => {
    if (!/^[0-9a-f]{16,}\.so$/.test(image)) return image;
    // A worker's copy is named by its content; the first one is the plugin that crashed.
    own = own || image;
    return image === own ? plugin : "another plugin";
  };
  const items = frames.map(f => {
    const end = " + " + (f.offset || 0), text = f.description || f.symbol;
    const name = !f.symbol ? f.address || f.kind || "?" : text.endsWith(end) ? text.slice(0, -end.length) : text;
    const at = f.sourceLocation, place = at && at.file && at.line > 0 ? at.file.split("/").pop() + ":" + at.line : "";
    return el("li", { class: f.system || !f.symbol ? "system" : "" }, el("b", {}, name),
      place && el("span", { class: "place", title: at.file + ":" + at.line }, place), f.image && el("span", { class: "image" }, "in " + file(f.image)));
  });
  return el("div", {}, el("p", { class: "happened" }, (report.description || "crash") + (report.faultAddress ? " at " + report.faultAddress : "")
    + (report.platform ? ", on " + report.platform + " " + (report.architecture || "") : "")), el("ol", { class: "frames", start: 0 }, ...items));
}

const isBad = line => ["warning", "error", "critical"].includes(line.level);
const tone = line => line.level === "error" || line.level === "critical" ? "bad" : line.level === "warning" ? "warn" : "";
// The last lines before an end: how long before it, the level, and the text.
function before(lines, end) {
  return el("table", { class: "lines" }, el("tbody", {}, ...lines.map(l => el("tr", {}, el("td", { class: "n" }, (-Math.max(0, end - l.ms) / 1000).toFixed(3) + " s"),
    el("td", { class: tone(l) }, l.level), el("td", { class: "words" }, l.text)))));
}

// What a session has left is fetched when it is opened.
async function opened(r, box) {
  const dl = el("dl", { class: "facts" });
  list(dl, fields(r));
  box.replaceChildren(dl);
  const part = (title, node) => { box.append(el("h4", {}, title), node); };
  const quiet = text => el("p", { class: "empty" }, text);
  if (embedded) {
    const text = embedded.reports[r.session];
    if (text) part("Crash report", el("pre", {}, text));
    else if (r.report) part("Crash report", quiet("Not in this file, which has the newest 20."));
    return;
  }
  if (r.report) {
    const report = await get("/report/" + encodeURIComponent(r.session) + ".json").catch(() => null);
    part("Crash report", report ? crash(report, r.plugin) : quiet("It is gone: the newest 20 of a plugin are kept."));
  }
  if (isFailed(r)) {
    const lines = await get("/lines/" + encodeURIComponent(r.session) + ".json").catch(() => null);
    if (lines) part("Last lines before its end", before(lines, r.finish_ms));
  }
}

// The newest lines of the host's log, newest first.
let lines = [], told = "";
function log() {
  const isChosen = $("bad-lines").checked;
  const mark = JSON.stringify(lines[lines.length - 1] || "") + lines.length + isChosen;
  if (mark === told) return;
  told = mark;
  const shown = lines.filter(l => !isChosen || isBad(l)).reverse();
  $("log").tBodies[0].replaceChildren(...shown.map(l => {
    const subject = l.subject || "schedhost";
    return el("tr", {}, el("td", {}, hour(l.ms)), el("td", { class: tone(l) }, l.level),
      el("td", {}, subject.includes("/") ? el("a", { href: link(subject) }, subject) : subject), el("td", { class: "words" }, l.text));
  }));
}
// What is known of the routine that is open; made anew when another one is opened.
let sheet = null;
const ranges = [["5 min", 3e5], ["1 h", 36e5], ["1 day", 864e5], ["all", Infinity]];
let range = 36e5;
const mostPoints = 600, mostLines = 200, mostNews = 100;

function start(id) {
  sheet = { id, at: Date.now(), routine: null, records: new Map(), isWhole: true, ended: null, asked: 0, lines: [], newest: 0, shown: new Map(), files: null };
  say($("r-title"), id);
  document.title = plain(id) + " · schedhost";
  $("r-sessions").tBodies[0].replaceChildren();
  for (const name of ["r-facts", "r-counts", "r-worker"]) { delete $(name).dataset.mark; $(name).replaceChildren(); }
  for (const name of ["r-log", "r-files"]) $(name).tBodies[0].replaceChildren();
  for (const name of ["r-durations", "r-lateness", "r-spread", "r-late-spread", "r-memory", "r-share"]) {
    for (const key of ["mark", "at"]) delete $(name).dataset[key];
    $(name).replaceChildren(el("p", { class: "empty" }, "Loading"));
  }
  for (const name of ["r-why", "r-state", "r-older", "r-more-files"]) say($(name), "");
  $("r-state").className = "state";
}

// Asks for what has changed. The records are asked for when a session has ended, the files now and then.
async function ask(own) {
  if (embedded) return;
  const query = "?id=" + encodeURIComponent(own.id);
  const absent = error => { if (error.status === 404) return null; throw error; };
  const [answer, news] = await Promise.all([get("/routine.json" + query).catch(absent),
    get("/log.json" + query + "&after=" + own.newest).catch(absent)]);
  own.isGone = !answer;
  if (!answer) own.routine = null;
  else {
    own.status = answer.status;
    own.why = answer.why;
    own.sharing = answer.sharing;
    own.routine = answer.status.routines[0];
    follow(own.routine, answer.status.now_ms, mostPoints);
    for (const w of answer.status.workers) use(w, answer.status.now_ms);
  }
  if (news && news.length) {
    // Where more come than are given at once, the newest ones are asked for the next time.
    const isLate = own.newest > 0 && news.length >= mostNews;
    own.lines = (own.newest ? own.lines : []).concat(news).slice(-mostLines);
    own.newest = isLate ? 0 : news[news.length - 1].n;
  }
  const r = own.routine, mark = r ? r.sessions_total + "/" + r.session : "gone";
  if (mark !== own.ended) {
    const past = await get("/records.json" + query).catch(absent);
    if (past) { for (const record of past.records) own.records.set(record.session, record); own.isWhole = past.whole; }
    own.ended = mark;
  }
  if (Date.now() - own.asked > 10000) { own.files = await get("/caches.json" + query).catch(absent); own.asked = Date.now(); }
}

// The same from the data of a file.
function recall(own) {
  own.status = embedded.status || null;
  own.routine = own.status ? own.status.routines.find(r => r.id === own.id) : null;
  own.isGone = !own.routine;
  own.why = (embedded.why || {})[own.id];
  own.sharing = own.routine && own.routine.worker ? own.status.routines.filter(r => r.worker === own.routine.worker).length : 0;
  for (const r of embedded.records) if (identity(r) === own.id) own.records.set(r.session, r);
}

function open() {
  const r = sheet.routine, s = sheet.status;
  say($("r-state"), sheet.isGone ? "not here now" : r.state.replace("_", " "));
  $("r-state").className = "state " + (sheet.isGone ? "" : r.state);
  say($("r-why"), sheet.isGone ? (sheet.records.size ? "There is no such routine in this host now; below is what it has left." : "There is no such routine in this host, and no record of one.")
    : sheet.why || "");
  if (r) {
    if (s) greet(s);
    facts(r, s);
    histogram($("r-spread"), r.durations, "durations of cycles");
    histogram($("r-late-spread"), r.lateness, "lateness of cycles");
    caches(r);
    worker(r, s);
  }
  for (const part of document.querySelectorAll("#routine .now")) part.hidden = !r;
  for (const part of document.querySelectorAll("#routine .live")) part.hidden = !r || embedded !== null;
  over();
  sessions();
  ownLines();
}

function facts(r, s) {
  const time = ms => ms ? clock(ms) : "", now = s.now_ms, plugin = s.plugins.find(p => p.id === r.plugin);
  list($("r-facts"), [["session", r.session], ["since", time(r.session_start_ms)],
    ["cycle", count(r.cycle) + (r.max_cycles ? " of " + count(r.max_cycles) : "")], ["ends at", time(r.until_ms)],
    ["runs", r.schedules && r.schedules.length ? r.schedules.join(" or ") : r.wait_ms ? "every " + span(r.wait_ms) : "back to back"],
    ["last cycle", r.last_start_ms ? span(Math.max(0, now - r.last_start_ms)) + " ago" : ""],
    ["next", r.next_local || (r.next_start_ms ? "in " + span(Math.max(0, r.next_start_ms - now)) : "")],
    ["took, p50 / p99", r.duration_p50_ns == null ? "" : fine(r.duration_p50_ns) + " / " + fine(r.duration_p99_ns)],
    ["late, p50 / p99", r.lateness_p99_ns == null ? "" : fine(r.lateness_p50_ns) + " / " + fine(r.lateness_p99_ns)],
    ["longest cycle", r.longest_ns ? fine(r.longest_ns) : ""],
    ["cycles since the host began", count(r.cycles_total)], ["in all records", count(r.lifetime_cycles)],
    ["failed attempts", count(r.failures_total)], ["missed", count(r.missed_total)],
    ["sessions", count(r.sessions_total) + (r.failed_sessions_total ? ", " + count(r.failed_sessions_total) + " failed" : "")],
    ["plugin", plugin ? plugin.file + (plugin.version ? ", version " + plugin.version : "") : ""], ["lease", r.lease_token]]);
}

// Durations and lateness over time: what the records have of ended sessions, the session in progress up to the moment
// when the page first looked, and what was seen since.
function over() {
  const s = sheet.status, now = s ? s.now_ms : embedded ? embedded.made_ms : Date.now(), r = sheet.routine;
  const trail = trails.get(sheet.id), steps = [], marks = [];
  for (const record of sheet.records.values()) {
    const t = record.cycle_times;
    if (t) steps.push({ from: record.start_ms, to: record.finish_ms, p50: t.p50_ns, p99: t.p99_ns, late50: t.late_p50_ns, late99: t.late_p99_ns,
      cycles: record.cycles, note: "session until " + clock(record.finish_ms) });
    if (isFailed(record)) marks.push({ at: record.finish_ms, text: reason(record) + ", " + clock(record.finish_ms) });
  }
  // Ended sessions are drawn up to where the page has seen for itself.
  const seen = trail && trail.points.length ? trail.points[0].from : now;
  for (const step of steps) step.to = Math.min(step.to, seen);
  if (sheet.before && sheet.records.has(sheet.before.session)) sheet.before = null;
  if (!sheet.before && r && r.session_start_ms && r.session_start_ms < seen && r.duration_p50_ns != null)
    sheet.before = { session: r.session, from: r.session_start_ms, to: seen, p50: r.duration_p50_ns, p99: r.duration_p99_ns,
      late50: r.lateness_p50_ns, late99: r.lateness_p99_ns, note: "before this page looked" };
  if (sheet.before) steps.push(sheet.before);
  if (trail) steps.push(...trail.points);
  const drawn = steps.filter(s => s.to > s.from).sort((a, b) => a.from - b.from);
  const first = Math.min(...drawn.map(s => s.from), ...marks.map(m => m.at), now - 1000);
  const from = Math.max(first, now - range);
  timeChart($("r-durations"), drawn, marks, from, now, "p50", "p99", "durations of cycles");
  timeChart($("r-lateness"), drawn, marks, from, now, "late50", "late99", "lateness of cycles");
}

// Rows stay, so that what is open stays open.
function sessions() {
  const body = $("r-sessions").tBodies[0];
  const all = [...sheet.records.values()].sort((a, b) => b.finish_ms - a.finish_ms).slice(0, 100);
  let next = body.firstChild;
  for (const record of all) {
    const known = sheet.shown.get(record.session);
    if (known) { next = known.detail.nextSibling; continue; }
    const entry = session(record);
    sheet.shown.set(record.session, entry);
    body.insertBefore(entry.row, next);
    body.insertBefore(entry.detail, next);
  }
  if (place.session && !sheet.shown.has(place.session))
    say($("r-older"), "Session " + place.session + " is not among these: schedhost records --show " + place.session);
  else say($("r-older"), !all.length ? "No session has ended." : sheet.isWhole && !embedded ? "" : "Older ones: schedhost records --plugin "
    + all[0].plugin + " --routine " + all[0].routine);
}
function session(r) {
  const name = "s-" + r.session, t = r.cycle_times || {};
  const button = el("button", { type: "button", class: "opens", "aria-expanded": "false", "aria-controls": name, title: clock(r.finish_ms) }, when(r.finish_ms));
  const row = el("tr", { class: "session-row" }, el("td", {}, button),
    el("td", isFailed(r) ? { class: "bad" } : {}, (isFailed(r) ? "✕ " : "") + reason(r)),
    el("td", { class: "text" }, [r.reason.text, r.reason.frame].filter(Boolean).join(" in ")),
    el("td", { class: "n" }, count(r.cycles)), el("td", { class: "n small" }, count(r.failures)), el("td", { class: "n small" }, span(r.duration_ms)),
    el("td", { class: "n middle" }, fine(t.p50_ns)), el("td", { class: "n middle" }, fine(t.p99_ns)), el("td", { class: "n middle" }, fine(t.late_p99_ns)));
  const box = el("div", { class: "detail" }), detail = el("tr", { id: name, hidden: "" }, el("td", { colspan: 9 }, box));
  const entry = { row, detail, toggle(isOpen) {
    detail.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
    if (isOpen && !box.hasChildNodes()) opened(r, box).catch(() => {});
    const place = link(sheet.id, isOpen ? r.session : "");
    if (location.hash !== place) history.replaceState(null, "", place);
  } };
  row.onclick = event => { if (!String(getSelection()) || event.target === button) entry.toggle(detail.hidden); };
  return entry;
}
// Opens the session that the address names.
function unfold(session) {
  const entry = sheet.shown.get(session);
  if (!entry) return false;
  if (entry.detail.hidden) entry.toggle(true);
  entry.row.scrollIntoView({ block: "nearest" });
  return true;
}

function ownLines() {
  const isChosen = $("r-bad-lines").checked, mark = sheet.newest + "/" + sheet.lines.length + isChosen;
  if (sheet.linesMark === mark) return;
  sheet.linesMark = mark;
  const shown = sheet.lines.filter(l => !isChosen || isBad(l)).reverse();
  $("r-log").tBodies[0].replaceChildren(...(shown.length ? shown.map(l => el("tr", {}, el("td", {}, hour(l.ms)), el("td", { class: tone(l) }, l.level),
    el("td", { class: "middle" }, l.subject === sheet.id ? "" : "plugin"), el("td", { class: "words" }, l.text)))
    : [el("tr", {}, el("td", { class: "empty" }, isChosen ? "No warning or error." : "No line."))]));
}

function caches(r) {
  const asked = r.cache_hits + r.cache_loads + r.cache_failures;
  list($("r-counts"), !asked && !r.cache_bytes ? [["caches", "none were asked"]] : [["hits", count(r.cache_hits)], ["loads", count(r.cache_loads)], ["share of hits", asked ? (r.cache_hits / asked * 100).toFixed(1) + " %" : ""],
    ["loads that failed", count(r.cache_failures)], ["stale values served", count(r.cache_stale)], ["evicted", count(r.cache_evictions)],
    ["in memory", bytes(r.cache_bytes || 0)]]);
  const files = sheet.files ? sheet.files.files : [];
  $("r-files").hidden = !files.length;
  $("r-files").tBodies[0].replaceChildren(...files.map(f => {
    const old = f.age_ms == null ? null : f.age_ms + (Date.now() - sheet.asked), isOver = f.expire_ms != null && (old == null || old > f.expire_ms);
    return el("tr", {}, el("td", { class: "text" }, f.name + (f.key ? " [" + f.key + "]" : "")), el("td", { class: "n" }, bytes(f.size)),
      el("td", { class: "n" + (isOver ? " warn" : "") }, old == null ? "unknown" : span(old)), el("td", { class: "n" }, f.expire_ms == null ? "never" : span(f.expire_ms)),
      el("td", { class: "n small" }, count(f.loads)));
  }));
  say($("r-more-files"), sheet.files && sheet.files.more ? "There are more: schedhost cache list " + sheet.id : "");
}

function worker(r, s) {
  const w = s.workers.find(w => w.pid === r.worker);
  $("r-gauges").hidden = !w || embedded !== null;
  if (!w) { list($("r-worker"), [["process", "none now"]]); return; }
  const points = (usages.get(w.pid) || { points: [] }).points;
  list($("r-worker"), [["process", w.pid], ["up", span(w.uptime_ms)], ["memory", w.resident_bytes ? bytes(w.resident_bytes) : "–"],
    ["of a processor", percent(newest(points).share)], ["processor time", w.cpu_ms == null ? "–" : span(w.cpu_ms)], ["sandbox", w.sandbox],
    ["serves", some(sheet.sharing, "routine")], ["limits", (w.limits || []).map(l => l.text).join(", ")]]);
  gauge($("r-memory"), points, "memory", bytes, "memory");
  gauge($("r-share"), points, "share", percent, "share of a processor");
}
const period = 2000;
async function get(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(20000) });
  if (!answer.ok) throw Object.assign(new Error(path + ": " + answer.status), { status: answer.status });
  return answer.json();
}

// The address after # names a routine, and perhaps one of its sessions.
function route() {
  const parts = location.hash.replace(/^#\/?/, "").split("/");
  try {
    if (parts.length < 2 || !parts[0] || !parts[1]) return {};
    return { id: decodeURIComponent(parts[0]) + "/" + decodeURIComponent(parts[1]), session: parts[2] || "" };
  } catch { return {}; }
}
let place = {}, left = null, turn = 0, timer = 0;

function show() { sums(); routines(); workers(); timeline(); ended(); }
// Each change of the address begins a turn; what an earlier turn still awaits is then for nobody.
async function refresh() {
  const own = ++turn, began = performance.now();
  clearTimeout(timer);
  if (!document.hidden) {
    try {
      if (place.id) {
        const asked = sheet;
        await ask(asked);
        if (own !== turn) return;
        open();
        if (place.session && unfold(place.session)) place.session = "";
      } else {
        const answers = await Promise.all([get("/status.json"), get("/records.json"), get("/log.json")]);
        if (own !== turn) return;
        [status, records, lines] = answers;
        for (const r of status.routines) follow(r, status.now_ms, status.routines.length > 500 ? 60 : 240);
        log();
        show();
      }
      $("fresh").className = "";
      say($("fresh"), "refreshed " + hour(Date.now()));
    } catch (error) {
      if (own !== turn) return;
      $("fresh").className = "bad";
      say($("fresh"), "the host does not answer");
    }
  }
  // A host with thousands of routines answers within a small share of a processor: it is asked less often then.
  timer = setTimeout(refresh, Math.min(30000, Math.max(period, 2 * (performance.now() - began))));
}
function move() {
  const next = route();
  if (next.id && next.id === place.id) {
    if (next.session && !unfold(next.session)) place.session = next.session;
    return;
  }
  const scroller = $("routines").closest(".scroll");
  if (next.id && !place.id) left = { id: next.id, y: scrollY, inner: scroller.scrollTop };
  place = next;
  $("overview").hidden = Boolean(place.id);
  $("routine").hidden = !place.id;
  if (place.id) {
    start(place.id);
    scrollTo(0, 0);
    $("r-title").focus({ preventScroll: true });
    if (embedded) { recall(sheet); open(); if (place.session) unfold(place.session); }
  } else {
    document.title = "schedhost";
    sheet = null;
    if (status || embedded) show();
    if (left) {
      scroller.scrollTop = left.inner;
      scrollTo(0, left.y);
      const entry = rows.get(left.id);
      if (entry) entry.cells[0].firstChild.focus({ preventScroll: true });
    }
  }
  if (!embedded) refresh();
}

$("filter").oninput = routines;
for (const event of ["scroll", "resize"])
  addEventListener(event, () => requestAnimationFrame(() => { if (!place.id) fillSeen(); }), { capture: true, passive: true });
addEventListener("resize", () => requestAnimationFrame(() => {
  if (!place.id) timeline(); else if (sheet && (sheet.routine || sheet.records.size)) open();
}));
addEventListener("beforeprint", () => fillSeen(true));
addEventListener("hashchange", move);
addEventListener("visibilitychange", () => { if (!document.hidden && !embedded) refresh(); });
addEventListener("keydown", event => {
  if (event.key === "Escape" && place.id && !event.defaultPrevented && event.target.tagName !== "INPUT") location.hash = "";
});
$("failed").onchange = ended;
$("bad-lines").onchange = log;
$("r-bad-lines").onchange = () => { if (sheet) ownLines(); };
for (const [name, length] of ranges) {
  const button = el("button", { type: "button", "aria-pressed": String(length === range) }, name);
  button.onclick = () => {
    range = length;
    for (const other of $("r-ranges").children) other.setAttribute("aria-pressed", String(other === button));
    if (sheet) over();
  };
  $("r-ranges").append(button);
}
heads();
if (embedded) {
  for (const part of ["log", "r-log"]) $(part).closest("section").hidden = true;
  status = embedded.status || null;
  records = embedded.records;
  if (!status) { say($("host"), "no host was running"); $("sums").closest("section").hidden = true; }
  say($("fresh"), "made " + clock(embedded.made_ms));
}
move();
