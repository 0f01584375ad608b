/// The part of the page's script that shows sessions that have ended, with their crash reports, and lines of the log.
enum PageSessions {
    static let script = #"""
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
              el("td", { class: "n small" }, count(r.cycles)), el("td", { class: "n small" }, count(r.failures)), el("td", { class: "n small" }, span(r.duration_ms)));
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
            if (!/^[0-9a-f-]{16,}\.so$/.test(image)) return image;
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

        """#
}
