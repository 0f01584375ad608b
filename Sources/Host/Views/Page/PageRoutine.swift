/// The part of the page's script that opens one routine.
enum PageRoutine {
    static let script = #"""
        // What is known of the routine that is open; made anew when another one is opened.
        let sheet = null;
        const ranges = [["5 min", 3e5], ["1 h", 36e5], ["1 day", 864e5], ["all", Infinity]];
        let range = 36e5;
        const mostPoints = 600, mostLines = 200, mostNews = 100, mostRecords = 500;

        function start(id) {
          sheet = { id, at: Date.now(), routine: null, records: new Map(), isWhole: true, most: 25, ended: null, asked: 0, lines: [], newest: 0, shown: new Map(), files: null };
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
          const kept = [...sheet.records.values()].sort((a, b) => b.finish_ms - a.finish_ms);
          for (const record of kept.splice(mostRecords)) { sheet.records.delete(record.session); sheet.isWhole = false; }
          if (place.session) { const index = kept.findIndex(r => r.session === place.session); if (index >= sheet.most) sheet.most = kept.length; }
          const all = kept.slice(0, sheet.most), rest = kept.length - all.length;
          let next = body.firstChild;
          for (const record of all) {
            const known = sheet.shown.get(record.session);
            if (known) { next = known.detail.nextSibling; continue; }
            const entry = session(record);
            sheet.shown.set(record.session, entry);
            body.insertBefore(entry.row, next);
            body.insertBefore(entry.detail, next);
          }
          // What is open stays, however old it becomes.
          const present = new Set(all.map(r => r.session));
          for (const [id, entry] of sheet.shown) if (!present.has(id) && entry.detail.hidden) {
            entry.row.remove();
            entry.detail.remove();
            sheet.shown.delete(id);
          }
          if (rest) {
            const button = el("button", { type: "button" }, "Show " + count(rest) + " more");
            button.onclick = () => { sheet.most = kept.length; sessions(); };
            if ($("r-older").textContent !== button.textContent) $("r-older").replaceChildren(button);
          } else if (place.session && !sheet.shown.has(place.session))
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
            return el("tr", {}, el("td", { class: "text" }, f.name + (f.key ? " [" + f.key + "]" : "") + (f.of_plugin ? " (the plugin's)" : "")), el("td", { class: "n" }, bytes(f.size)),
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
          gauge($("r-memory"), points, "memory", bytes, 1 << 20, "memory");
          gauge($("r-share"), points, "share", percent, 0.01, "share of a processor");
        }

        """#
}
