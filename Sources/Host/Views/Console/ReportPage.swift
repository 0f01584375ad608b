public import HostValues
public import HostWire

/// The web page that shows a host. It is one self-contained file, either served live or written with its data embedded.
///
/// Everything that comes from plugins enters the document as text, never as markup.
public enum ReportPage {
    /// The live page, which fetches `/status.json`, `/records.json` and `/report/SESSION` repeatedly.
    public static let live = page(data: "")

    /// The hash of the page's only script, as a source for `script-src` of Content Security Policy 3: no other script
    /// that gets into the document can run.
    public static let scriptSource = "'sha256-\(SHA256.base64(Array(("\n" + script).utf8)))'"

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

    /// The data of the page as a JSON object: `made_ms`, `status` as from `status --json`, `records` as from `records
    /// --json`, and `reports` with the texts of crash reports by session.
    public static func data(
        status: HostStatus?, records: [SessionRecord], reports: [SessionID: String], madeMs: Int64
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.open()
        writer.field("made_ms", madeMs)
        if let status { writer.field("status", json: status.json()) }
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
            script-src \(scriptSource); connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'">
            <meta name="color-scheme" content="light dark">
            <title>schedhost</title>
            <link rel="icon" href="data:,">
            <style>
            \(style)</style>
            </head>
            <body>
            <header>
              <h1>schedhost</h1>
              <p id="host">Loading</p>
              <p id="fresh" role="status"></p>
            </header>
            <main>
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
                <p id="more"></p>
              </section>
              <section aria-labelledby="workers-title">
                <h2 id="workers-title">Workers</h2>
                <div class="scroll"><table id="workers"><thead><tr><th>Worker</th><th class="n small">Pid</th><th class="n">Up</th>
                  <th class="n small">Sessions</th><th class="n">Memory</th><th class="n">Processor time</th></tr></thead><tbody></tbody></table></div>
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
                <div class="scroll"><table id="records"><thead></thead><tbody></tbody></table></div>
              </section>
              <section aria-labelledby="log-title">
                <div class="bar">
                  <h2 id="log-title">Log</h2>
                  <label><input id="bad-lines" type="checkbox"> warnings and errors only</label>
                </div>
                <div class="scroll"><table id="log"><tbody></tbody></table></div>
              </section>
            </main>
            <dialog id="detail" aria-labelledby="detail-title">
              <div class="bar"><h2 id="detail-title"></h2><button id="close" type="button">Close</button></div>
              <dl id="fields"></dl>
              <pre id="report" hidden></pre>
            </dialog>
            \(data)<script>
            \(script)</script>
            </body>
            </html>

            """.utf8)
    }
}
