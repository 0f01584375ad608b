extension ReportPage {
    /// The JavaScript of the page.
    static let script = #"""
        "use strict";
        const $ = id => document.getElementById(id);
        const el = (name, attributes, ...children) => {
          const node = document.createElement(name);
          for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
          node.append(...children);
          return node;
        };
        const svg = (name, attributes, text) => {
          const node = document.createElementNS("http://www.w3.org/2000/svg", name);
          for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
          if (text !== undefined) node.textContent = text;
          return node;
        };
        const embedded = $("data") ? JSON.parse($("data").textContent) : null;
        let status = null, records = [], listed = null, showsAll = false, order = { key: "id", down: false }, history = new Map();
        const mostRows = 200, mostLanes = 40, period = 2000;

        // Formatting of numbers for people.
        const span = ms => ms < 1000 ? Math.round(ms) + " ms" : ms < 6e4 ? (ms / 1e3).toFixed(1) + " s"
          : ms < 36e5 ? Math.floor(ms / 6e4) + "m " + Math.floor(ms % 6e4 / 1e3) + "s"
          : ms < 1728e5 ? Math.floor(ms / 36e5) + "h " + Math.floor(ms % 36e5 / 6e4) + "m"
          : Math.floor(ms / 864e5) + "d " + Math.floor(ms % 864e5 / 36e5) + "h";
        const fine = ns => ns == null ? "–" : ns < 1e3 ? ns + " ns" : ns < 1e6 ? (ns / 1e3).toPrecision(3) + " µs"
          : ns < 1e9 ? (ns / 1e6).toPrecision(3) + " ms" : span(ns / 1e6);
        const bytes = n => { let u = 0; while (n >= 1024 && u < 4) { n /= 1024; u++; }
          return (u && n < 100 ? n.toFixed(1) : Math.round(n)) + " " + ["B", "KiB", "MiB", "GiB", "TiB"][u]; };
        const clock = ms => new Date(ms).toLocaleString();
        const count = n => n.toLocaleString("en");
        const failures = new Set(["error", "crash", "exit", "timeout", "peer_failed", "host_died", "quarantined"]);
        const isFailed = record => failures.has(record.reason.kind);

        // Sparklines.
        function trend(values) {
          const box = svg("svg", { width: 70, height: 20, role: "img", "aria-label": "mean durations of the newest cycles" });
          if (values.length < 2) return box;
          const top = Math.max(...values, 1), step = 68 / (values.length - 1);
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
        function remember() {
          for (const r of status.routines) {
            const past = history.get(r.id) || { values: [], cycles: r.cycles_total, time: r.duration_total_ns };
            const cycles = r.cycles_total - past.cycles;
            if (cycles > 0) {
              past.values.push((r.duration_total_ns - past.time) / cycles);
              if (past.values.length > 60) past.values.shift();
            }
            past.cycles = r.cycles_total;
            past.time = r.duration_total_ns;
            history.set(r.id, past);
          }
        }

        // Routines.
        const why = r => !r.why ? "" : !r.failing_since_ms ? r.why : "failed " + (r.failures_in_row === 1 ? "once" : count(r.failures_in_row)
          + " times") + " in " + span(Math.max(0, status.now_ms - r.failing_since_ms)) + ": " + r.why;
        const columns = [
          { title: "Routine", key: "id", text: r => r.id },
          { title: "State", key: "state", mark: r => r.state + why(r), node: r => { const badge = el("span", { class: "state " + r.state },
            r.state.replace("_", " ")); if (!r.why) return badge;
            const text = el("span", { class: "why" }, why(r)); text.title = why(r); return el("div", {}, badge, text); } },
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
          { title: "Trend", rank: "middle", mark: r => r.cycles_total, node: r => trend((history.get(r.id) || { values: [] }).values) },
          { title: "Spread", rank: "middle", mark: r => r.cycles_total, node: r => spread(r.durations) },
        ].filter(c => c.title !== "Trend" || !embedded);
        // Narrow windows omit the less important columns; a click on a routine shows everything.
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
          $("records").tHead.replaceChildren(el("tr", {}, ...["Finish", "Routine", "Reason", "Text"].map(t => el("th", {}, t)),
            ...["Cycles", "Errors", "Duration"].map(t => el("th", { class: "n" }, t))));
        }
        // Each row is created once. Later only the cells that have changed are written, and only in visible rows: this
        // keeps the page fast with a thousand routines.
        const rows = new Map();
        let placed = [];
        function row(r) {
          let entry = rows.get(r.id);
          if (!entry) {
            const cells = columns.map(c => el("td", { class: look(c) }));
            entry = { row: el("tr", { tabindex: "0" }, ...cells), cells, shown: [] };
            entry.row.onclick = () => about(entry.routine);
            entry.row.onkeydown = event => { if (event.key === "Enter") about(entry.routine); };
            entry.cells[0].textContent = entry.shown[0] = r.id;
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
            if (c.node) cell.replaceChildren(c.node(r)); else cell.textContent = mark;
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
        // The natural order of names: worker-2 before worker-10.
        const names = new Intl.Collator("en", { numeric: true });
        const compare = (x, y) => typeof x === "string" && typeof y === "string" ? names.compare(x, y) : x < y ? -1 : x > y ? 1 : 0;
        function workers() {
          if (!status) { $("workers").closest("section").hidden = true; return; }
          $("workers").tBodies[0].replaceChildren(...[...status.workers].sort((a, b) => compare(a.name, b.name)).slice(0, mostRows).map(w =>
            el("tr", {}, el("td", {}, w.name), el("td", { class: "n small" }, String(w.pid)), el("td", { class: "n" }, span(w.uptime_ms)),
              el("td", { class: "n small" }, count(w.sessions)), el("td", { class: "n" }, w.resident_bytes ? bytes(w.resident_bytes) : "–"),
              el("td", { class: "n" }, w.cpu_ms == null ? "–" : span(w.cpu_ms)))));
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
            for (const id of rows.keys()) if (!present.has(id)) { rows.delete(id); history.delete(id); }
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
          $("host").textContent = s.version + " on " + s.host + ", pid " + s.pid + ", up " + span(s.uptime_ms) + ", plugins " + s.plugins_path;
        }

        // Sessions over time.
        function timeline() {
          if (!status && !embedded) return;
          const now = status ? status.now_ms : embedded ? embedded.made_ms : Date.now();
          const lanes = new Map();
          const lane = id => { if (!lanes.has(id)) lanes.set(id, []); return lanes.get(id); };
          for (const r of records) lane(r.plugin + "/" + r.routine).push({ from: r.start_ms, to: r.finish_ms, record: r });
          if (status) for (const r of status.routines) if (r.session_start_ms) lane(r.id).push({ from: r.session_start_ms, to: now });
          const names = [...lanes.keys()].sort((a, b) => {
            const bad = id => lanes.get(id).filter(s => s.record && isFailed(s.record)).length;
            return bad(b) - bad(a) || compare(a, b);
          }).slice(0, mostLanes);
          if (!names.length) { $("timeline").replaceChildren(el("p", { class: "empty" }, "No session yet.")); return; }
          const all = names.flatMap(name => lanes.get(name));
          const from = Math.min(...all.map(s => s.from)), to = Math.max(now, ...all.map(s => s.to), from + 1000);
          const width = Math.max(240, $("timeline").clientWidth || 900), isNarrow = width < 560, high = 22;
          const left = isNarrow ? Math.round(width * 0.36) : 200, letters = Math.floor(left / 6.7), marks = isNarrow ? 2 : 4;
          const x = ms => left + (ms - from) / (to - from) * (width - left - 8);
          const box = svg("svg", { width: "100%", height: names.length * high + 22, viewBox: "0 0 " + width + " " + (names.length * high + 22) });
          names.forEach((name, row) => {
            const y = row * high;
            box.append(svg("text", { class: "name", x: 0, y: y + 15 }, name.length > letters ? name.slice(0, letters - 1) + "…" : name),
              svg("rect", { class: "lane", x: left, y: y + 4, width: width - left - 8, height: high - 8, rx: 2 }));
            for (const s of lanes.get(name)) {
              const bad = s.record && isFailed(s.record);
              const bar = svg("rect", { class: "session" + (bad ? " failed" : s.record ? "" : " open"), x: x(s.from).toFixed(1),
                y: y + (bad ? 2 : 6), width: Math.max(2, x(s.to) - x(s.from) - 1).toFixed(1), height: bad ? high - 4 : high - 12, rx: 1 });
              bar.append(svg("title", {}, name + ": " + (s.record ? s.record.reason.kind + ", " + span(s.record.duration_ms) : "running")));
              if (s.record) { bar.setAttribute("tabindex", "-1"); bar.onclick = () => detail(s.record); }
              box.append(bar);
            }
          });
          for (let i = 0; i <= marks; i++) {
            const at = from + (to - from) * i / marks;
            box.append(svg("text", { class: "axis", x: x(at), y: names.length * high + 16, "text-anchor": i === 0 ? "start" : i === marks ? "end" : "middle" },
              new Date(at).toLocaleTimeString()));
          }
          const key = el("div", { class: "key" });
          for (const [color, name] of [["--good", "ended as it should"], ["--bad", "failed"], ["--accent", "running"]]) {
            const mark = el("i"); mark.style.background = "var(" + color + ")"; key.append(el("span", {}, mark, name));
          }
          $("timeline").replaceChildren(box, key);
        }

        // Records.
        function ended() {
          const newest = records.length + (records.length ? records[records.length - 1].session : "") + $("failed").checked;
          if (newest === listed) return;
          listed = newest;
          const shown = records.filter(r => !$("failed").checked || isFailed(r)).slice(-mostRows).reverse();
          const lines = shown.map(r => {
            const row = el("tr", { tabindex: "0" }, el("td", {}, clock(r.finish_ms)), el("td", {}, r.plugin + "/" + r.routine),
              el("td", isFailed(r) ? { class: "bad" } : {}, (isFailed(r) ? "✕ " : "") + r.reason.kind + (r.reason.signal ? " " + r.reason.signal : "")),
              el("td", { class: "text" }, [r.reason.text, r.reason.frame].filter(Boolean).join(" in ")),
              el("td", { class: "n" }, count(r.cycles)), el("td", { class: "n" }, count(r.failures)), el("td", { class: "n" }, span(r.duration_ms)));
            row.onclick = () => detail(r);
            row.onkeydown = event => { if (event.key === "Enter") detail(r); };
            return row;
          });
          $("records").tBodies[0].replaceChildren(...(lines.length ? lines : [el("tr", {}, el("td", { colspan: 7 }, "None."))]));
        }
        function open(title, fields) {
          $("detail-title").textContent = title;
          $("fields").replaceChildren(...fields.filter(([, value]) => value !== undefined && value !== null && value !== "")
            .flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value instanceof Node ? value : String(value))]));
          $("report").hidden = true;
          if (!$("detail").open) $("detail").showModal();
        }
        // Shows all data of a routine, and its newest sessions.
        function about(r) {
          const worker = status.workers.find(w => w.pid === r.worker), time = ms => ms ? clock(ms) : "";
          const own = records.filter(s => s.plugin + "/" + s.routine === r.id).slice(-10).reverse().map(s => {
            const button = el("button", { type: "button" }, clock(s.finish_ms) + ": " + s.reason.kind + (isFailed(s) ? " ✕" : ""));
            button.onclick = () => detail(s);
            return button;
          });
          open(r.id, [["state", r.state.replace("_", " ")], ["why", why(r)], ["session", r.session], ["since", time(r.session_start_ms)],
            ["cycle", count(r.cycle) + (r.max_cycles ? " of " + count(r.max_cycles) : "")], ["wait", r.schedules && r.schedules.length ? "" : span(r.wait_ms)],
            ["schedule", (r.schedules || []).join(", ")], ["last cycle", time(r.last_start_ms)], ["next cycle", time(r.next_start_ms)],
            ["cycles in all records", count(r.lifetime_cycles)], ["sessions", count(r.sessions_total)], ["failed sessions", count(r.failed_sessions_total)],
            ["failed attempts", count(r.failures_total)], ["missed", count(r.missed_total)],
            ["durations", r.duration_p50_ns == null ? "" : "p50 " + fine(r.duration_p50_ns) + ", p99 " + fine(r.duration_p99_ns)],
            ["lateness", r.lateness_p99_ns == null ? "" : "p99 " + fine(r.lateness_p99_ns)],
            ["caches", count(r.cache_hits) + " hits, " + count(r.cache_loads) + " loads, " + bytes(r.cache_bytes || 0)],
            ["worker", worker ? "pid " + worker.pid + usage(worker) : ""], ["newest sessions", own.length ? el("div", { class: "own" }, ...own) : ""]]);
        }
        const usage = w => (w.resident_bytes ? ", " + bytes(w.resident_bytes) : "") + (w.cpu_ms != null ? ", " + span(w.cpu_ms) + " of processor time" : "");
        // The newest lines of the log, newest first.
        let lines = [], told = "";
        function log() {
          const bad = l => ["warning", "error", "critical"].includes(l.level), isChosen = $("bad-lines").checked;
          const newest = JSON.stringify(lines[lines.length - 1] || "") + lines.length + isChosen;
          if (newest === told) return;
          told = newest;
          const shown = lines.filter(l => !isChosen || bad(l)).reverse();
          $("log").tBodies[0].replaceChildren(...shown.map(l => el("tr", {}, el("td", {}, new Date(l.ms).toLocaleTimeString()),
            el("td", { class: l.level === "error" || l.level === "critical" ? "bad" : "" }, l.level), el("td", {}, l.subject || "schedhost"),
            el("td", { class: "words" }, l.text))));
        }
        async function detail(record) {
          const fields = [["started", clock(record.start_ms)], ["finished", clock(record.finish_ms)], ["duration", span(record.duration_ms)],
            ["reason", record.reason.kind], ["text", record.reason.text], ["signal", record.reason.signal], ["in cycle", record.reason.cycle],
            ["phase", record.reason.phase], ["frame", record.reason.frame], ["cycles", count(record.cycles)], ["errors", record.failures],
            ["missed", record.missed], ["lifetime cycles", record.lifetime_cycles], ["plugin version", record.plugin_version],
            ["build", record.build], ["host", record.host], ["pid", record.pid], ["report", record.report],
            ...Object.entries(record.stats || {})];
          open(record.plugin + "/" + record.routine + ", session " + record.session, fields);
          const box = $("report");
          if (!record.report) return;
          let text = embedded ? embedded.reports[record.session] : null;
          if (!embedded) {
            const answer = await fetch("/report/" + encodeURIComponent(record.session));
            text = await answer.text();
          }
          if (!text) return;
          box.textContent = text;
          box.hidden = false;
        }

        // Refreshing the page.
        function show() { sums(); routines(); workers(); timeline(); ended(); }
        async function get(path) {
          const answer = await fetch(path, { signal: AbortSignal.timeout(5000) });
          if (!answer.ok) throw new Error(path + ": " + answer.status);
          return answer.json();
        }
        async function refresh() {
          if (!document.hidden) {
            try {
              [status, records, lines] = await Promise.all([get("/status.json"), get("/records.json"), get("/log.json")]);
              remember();
              log();
              show();
              $("fresh").className = "";
              $("fresh").textContent = "refreshed " + new Date().toLocaleTimeString();
            } catch (error) {
              $("fresh").className = "bad";
              $("fresh").textContent = "the host does not answer";
            }
          }
          setTimeout(refresh, period);
        }
        $("filter").oninput = routines;
        for (const event of ["scroll", "resize"]) addEventListener(event, () => requestAnimationFrame(() => fillSeen()), { capture: true, passive: true });
        addEventListener("resize", () => requestAnimationFrame(timeline));
        addEventListener("beforeprint", () => fillSeen(true));
        $("failed").onchange = ended;
        $("bad-lines").onchange = log;
        $("close").onclick = () => $("detail").close();
        heads();
        if (embedded) {
          $("log").closest("section").hidden = true;
          status = embedded.status || null;
          records = embedded.records;
          if (!status) { $("host").textContent = "no host was running"; $("sums").closest("section").hidden = true; }
          $("fresh").textContent = "made " + clock(embedded.made_ms);
          show();
        } else refresh();

        """#
}
