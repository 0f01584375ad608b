/// The part of the page's script that the other parts use: elements, numbers for people, and what a routine did over
/// time.
enum PageTools {
    static let script = #"""
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

        """#
}
