internal import HostInspection
public import HostSystem
internal import HostValues

/// Renders crash reports for people.
public enum CrashReportText {
    /// The number of frames shown.
    private static let mostFrames = 64

    /// The text of a report in the state directory, or a line that says why it cannot be read.
    public static func read(_ name: String, in state: borrowing Directory) -> String {
        do throws(SystemError) {
            let reports = try state.directory("reports")
            let bytes = try reports.openForReading(name).readAll(limit: CrashReport.limit, subject: reports.child(name))
            guard let text = text(bytes, named: name) else { return "\(reports.child(name)): not a crash report\n" }
            return text
        } catch {
            return error.isNotFound ? "its crash report is gone: the newest 20 of a plugin are kept\n" : "\(error)\n"
        }
    }

    /// The text of a report's bytes, from a file named `PLUGIN@SESSION.json`; nil if they are not a report.
    public static func text(_ bytes: [UInt8], named name: String) -> String? {
        CrashReport(bytes).map { text($0, plugin: plugin(of: name)) }
    }

    /// Bytes of a report at most.
    static var limit: Int { CrashReport.limit }

    /// The report of these bytes as it is kept, without registers and memory; nil when it is none.
    static func json(_ bytes: [UInt8]) -> [UInt8]? { CrashReport(bytes)?.json }

    private static func plugin(of name: String) -> String { String(name.prefix { $0 != "@" }) }

    /// The name to show for a loaded file. Workers load copies that are named by their content; the first of these in
    /// the report is the plugin that crashed.
    private static func name(of image: String, _ copy: inout String?, plugin: String) -> String {
        guard image.hasSuffix(".so"), ContentHash.isName(image.dropLast(3)) else { return image }
        if copy == nil { copy = image }
        return copy == image ? plugin : "another plugin"
    }

    static func text(_ report: CrashReport, plugin: String) -> String {
        var text = "crash: \(report.description ?? "unknown")"
        if let address = report.faultAddress { text += " at \(address)" }
        text += "\n"
        if let platform = report.platform { text += "on \(platform) \(report.architecture ?? "")\n" }
        var copy: String?
        for (index, frame) in report.frames.prefix(mostFrames).enumerated() {
            let function = frame.function ?? frame.address ?? frame.kind ?? "?"
            var line = TerminalText.pad("\(index)", to: 4) + function
            if let place = frame.place { line += " at \(place)" }
            if let image = frame.image { line += " in \(name(of: image, &copy, plugin: plugin))" }
            text += TerminalText.clean(line) + "\n"
        }
        return text
    }
}
