public import HostValues
public import HostWire

/// The web page that shows a host. It is one self-contained file, either served live or written with its data embedded.
///
/// Everything that comes from plugins enters the document as text, never as markup.
public enum ReportPage {
    /// The live page, which fetches `/status.json` and the like repeatedly, and `/routine.json` of a routine that is open.
    public static let live = page(data: "")

    /// The hash of the page's only script, as a source for `script-src` of Content Security Policy 3: no other script
    /// that gets into the document can run.
    public static let scriptSource = "'sha256-\(SHA256.base64(Array(("\n" + PageScript.text).utf8)))'"

    /// The page with its data embedded, which never changes.
    ///
    /// `status` is nil if no host runs. `records` are in order, oldest first; `reports` has the texts of crash reports
    /// by session.
    public static func whole(
        status: HostStatus?, records: [SessionRecord], reports: [SessionID: String], madeMs: Int64
    ) -> [UInt8] {
        // Within a script element only `<` can begin markup, and in JSON it occurs only inside strings.
        let safe = String(
            decoding: data(status: status, records: records, reports: reports, madeMs: madeMs), as: UTF8.self
        ).split(separator: "<", omittingEmptySubsequences: false).joined(separator: "\\u003c")
        return page(data: "<script type=\"application/json\" id=\"data\">\(safe)</script>\n")
    }

    /// The number of routines of whose state a written page has an explanation.
    private static let mostExplained = 2000

    /// The data of the page as a JSON object: `made_ms`, `status` as from `status --json`, `why` with what `why` says of
    /// each routine, `records` as from `records --json`, and `reports` with the texts of crash reports by session.
    public static func data(
        status: HostStatus?, records: [SessionRecord], reports: [SessionID: String], madeMs: Int64
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.open()
        writer.field("made_ms", madeMs)
        if let status {
            writer.field("status", json: status.json())
            let last = Dictionary(records.map { ($0.identifier, $0) }) { _, later in later }
            writer.open("why")
            for routine in status.routines.prefix(mostExplained) {
                let why = RoutineExplanation(routine, at: status, last: last[routine.identifier])
                writer.field(routine.identifier, why.text, limit: 4096)
            }
            writer.close()
        }
        writer.field("records", json: Array(RecordTable.json(records).utf8))
        writer.open("reports")
        for (session, text) in reports.sorted(by: { $0.key < $1.key }) {
            writer.field(session.description, text, limit: 1 << 20)
        }
        writer.close()
        writer.close()
        return writer.bytes
    }

    private static func page(data: String) -> [UInt8] {
        Array(
            """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
            script-src \(scriptSource); connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
            require-trusted-types-for 'script'; trusted-types 'none'">
            <meta name="color-scheme" content="light dark">
            <title>schedhost</title>
            <link rel="icon" href="data:,">
            <style>
            \(PageStyle.text)</style>
            </head>
            <body>
            <header>
              <h1><a href="#">schedhost</a></h1>
              <p id="host">Loading</p>
              <p id="fresh" role="status"></p>
            </header>
            <main id="overview">
              <section aria-labelledby="sum-title">
                <h2 id="sum-title">Overview</h2>
                <div id="sums"></div>
                <div id="refused"></div>
                <div id="limits"></div>
              </section>
              <section aria-labelledby="routines-title">
                <div class="bar">
                  <h2 id="routines-title">Routines</h2>
                  <input id="filter" type="search" placeholder="filter by name or state" aria-label="filter routines">
                </div>
                <div class="scroll"><table id="routines"><thead></thead><tbody></tbody></table></div>
                <p id="more" class="more"></p>
              </section>
              <section aria-labelledby="workers-title">
                <h2 id="workers-title">Workers</h2>
                <div class="scroll"><table id="workers"><thead><tr><th>Worker</th><th class="n small">Pid</th><th class="n">Up</th>
                  <th class="n small">Sessions</th><th class="n">Memory</th><th class="small"></th><th class="n">Processor</th>
                  <th class="n small">Processor time</th></tr></thead><tbody></tbody></table></div>
                <p id="more-workers" class="more"></p>
              </section>
              <section aria-labelledby="timeline-title">
                <h2 id="timeline-title">Sessions over time</h2>
                <div id="timeline"></div>
              </section>
              <section aria-labelledby="records-title">
                <div class="bar">
                  <h2 id="records-title">Sessions that ended</h2>
                  <label><input id="failed" type="checkbox"> failed only</label>
                </div>
                <div class="scroll"><table id="records"><thead><tr><th>Finish</th><th>Routine</th><th>Reason</th>
                  <th class="text">Text</th><th class="n small">Cycles</th><th class="n small">Errors</th><th class="n small">Duration</th></tr></thead>
                  <tbody></tbody></table></div>
              </section>
              <section aria-labelledby="log-title">
                <div class="bar">
                  <h2 id="log-title">Log</h2>
                  <label><input id="bad-lines" type="checkbox"> warnings and errors only</label>
                </div>
                <div class="scroll"><table id="log"><tbody></tbody></table></div>
              </section>
            </main>
            \(routine)\(data)<script>
            \(PageScript.text)</script>
            </body>
            </html>

            """.utf8)
    }

    /// The part of the document that shows one routine.
    private static let routine = """
        <main id="routine" hidden>
          <section aria-labelledby="r-title">
            <p class="back"><a href="#">← All routines</a></p>
            <div class="bar"><h2 id="r-title" tabindex="-1"></h2><span id="r-state" class="state"></span></div>
            <p id="r-why"></p>
            <dl id="r-facts" class="facts now"></dl>
          </section>
          <section aria-labelledby="r-over-title">
            <div class="bar"><h2 id="r-over-title">Over time</h2><div id="r-ranges" role="group" aria-label="time shown"></div></div>
            <h3>How long cycles took</h3>
            <div id="r-durations"></div><p class="readout" role="status"></p>
            <h3>How late they began</h3>
            <div id="r-lateness"></div><p class="readout" role="status"></p>
            <div class="key"><span><i class="median"></i>p50</span><span><i class="worst"></i>p99</span><span><i class="failed"></i>a session failed</span></div>
          </section>
          <section class="now" aria-labelledby="r-spread-title">
            <h2 id="r-spread-title">All cycles since the host began</h2>
            <div class="pair"><div><h3>How long they took</h3><div id="r-spread"></div></div>
              <div><h3>How late they began</h3><div id="r-late-spread"></div></div></div>
          </section>
          <section aria-labelledby="r-sessions-title">
            <h2 id="r-sessions-title">Sessions that ended</h2>
            <div class="scroll all"><table id="r-sessions"><thead><tr><th>Finish</th><th>Reason</th><th class="text">Text</th><th class="n">Cycles</th>
              <th class="n small">Errors</th><th class="n small">Duration</th><th class="n middle">p50</th><th class="n middle">p99</th>
              <th class="n middle">Late p99</th></tr></thead><tbody></tbody></table></div>
            <p id="r-older" class="more"></p>
          </section>
          <section class="live" aria-labelledby="r-log-title">
            <div class="bar"><h2 id="r-log-title">Last lines</h2>
              <label><input id="r-bad-lines" type="checkbox"> warnings and errors only</label></div>
            <div class="scroll"><table id="r-log"><tbody></tbody></table></div>
          </section>
          <section class="now" aria-labelledby="r-caches-title">
            <h2 id="r-caches-title">Caches</h2>
            <dl id="r-counts" class="facts"></dl>
            <div class="scroll"><table id="r-files" hidden><thead><tr><th class="text">On disk</th><th class="n">Size</th><th class="n">Age</th>
              <th class="n">Expires after</th><th class="n small">Loads</th></tr></thead><tbody></tbody></table></div>
            <p id="r-more-files" class="more"></p>
          </section>
          <section class="now" aria-labelledby="r-worker-title">
            <h2 id="r-worker-title">Worker</h2>
            <dl id="r-worker" class="facts"></dl>
            <div id="r-gauges" class="pair"><div><h3>Memory</h3><div id="r-memory"></div></div>
              <div><h3>Share of a processor</h3><div id="r-share"></div></div></div>
          </section>
        </main>

        """
}
