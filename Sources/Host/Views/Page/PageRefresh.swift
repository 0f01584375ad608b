/// The part of the page's script that asks the host again and again, and decides what is shown.
enum PageRefresh {
    static let script = #"""
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

        """#
}
