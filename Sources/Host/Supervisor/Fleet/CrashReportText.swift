public import HostSystem
internal import HostValues

/// A crash report for people.
public enum CrashReportText {
    /// Frames that are shown.
    private static let mostFrames = 64

    /// The report of that name below the state directory, or a line that says why it cannot be read.
    public static func read(_ name: String, in state: borrowing Directory) -> String {
        do throws(SystemError) {
            let reports = try state.directory("reports")
            let bytes = try reports.openForReading(name).readAll(limit: CrashReport.limit, subject: reports.child(name))
            guard let report = CrashReport(bytes) else { return "\(reports.child(name)): not a crash report\n" }
            return text(report)
        } catch {
            return error.isNotFound ? "its crash report is gone: the newest 20 of a plugin are kept\n" : "\(error)\n"
        }
    }

    static func text(_ report: CrashReport) -> String {
        var text = "crash: \(report.description ?? "unknown")"
        if let address = report.faultAddress { text += " at \(address)" }
        text += "\n"
        if let platform = report.platform { text += "on \(platform) \(report.architecture ?? "")\n" }
        for (index, frame) in report.frames.prefix(mostFrames).enumerated() {
            let function = frame.function ?? frame.address ?? frame.kind ?? "?"
            var line = TerminalText.pad("\(index)", to: 4) + function
            if let place = frame.place { line += " at \(place)" }
            if let image = frame.image { line += " in \(image)" }
            text += TerminalText.clean(line) + "\n"
        }
        return text
    }
}
