/// The part of the page's script that shows the whole host: routines, workers, sums, and sessions over time.
enum PageOverview {
    static let script = #"""
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
          if (!usage) {
            if (usages.size > 5000) usages.clear();
            usages.set(w.pid, usage = { points: [], cpu: w.cpu_ms, at: now });
          }
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
          $("refused").replaceChildren(...s.plugins.filter(p => p.why).map(p => el("p", {}, p.file + ": " + p.why)),
            ...(s.refused_configurations || []).filter(c => c.former_settings_hold).map(c =>
              el("p", {}, "configuration refused: " + c.why + ": the settings before still hold, until the next start fails")));
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

        """#
}
