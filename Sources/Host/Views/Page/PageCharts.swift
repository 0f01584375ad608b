/// The part of the page's script that draws: small trends, histograms, and values over time.
enum PageCharts {
    static let script = #"""
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
            const isLast = i === shown.length - 1;
            if ((shown.length - 1 - i) % every === 0 && at > 20 && (isLast || width - at > 76))
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
        function gauge(box, points, key, text, least, label) {
          const width = Math.max(200, box.clientWidth || 400), height = 90, foot = height - 18, left = 64;
          const seen = points.filter(p => p[key] != null);
          if (seen.length < 2) { box.replaceChildren(el("p", { class: "empty" }, seen.length ? text(seen[0][key]) : "Not known yet.")); return; }
          const most = Math.max(least, ...seen.map(p => p[key])), top = most * 1.1, from = seen[0].at, to = seen[seen.length - 1].at;
          const x = at => left + (at - from) / (to - from) * (width - left - 6), y = v => foot - v / top * (foot - 10);
          const image = svg("svg", { width: "100%", height, viewBox: "0 0 " + width + " " + height, role: "img",
            "aria-label": label + ": " + text(seen[seen.length - 1][key]) });
          for (const v of [0, most]) image.append(svg("line", { class: "grid", x1: left, x2: width - 6, y1: y(v), y2: y(v) }),
            svg("text", { class: "axis", x: left - 6, y: y(v) + 4, "text-anchor": "end" }, text(v)));
          image.append(svg("polyline", { class: "trend", points: seen.map(p => x(p.at).toFixed(1) + "," + y(p[key]).toFixed(1)).join(" ") }));
          timeAxis(image, from, to, x, height - 3, 1);
          box.replaceChildren(image);
        }

        """#
}
