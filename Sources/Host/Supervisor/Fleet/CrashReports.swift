internal import HostInspection
internal import HostPolicy
internal import HostSystem
internal import HostValues

/// Manages the files of crash reports: which are kept, and for how long. `CrashExamination` writes them.
final class CrashReports {
    /// The number of reports kept for each plugin.
    private static let mostReports = 20

    private var directory: Directory
    private let state: Directory
    private let keepsReports: Bool
    /// The program that writes the reports; nil if none are wanted or it is not found.
    let backtracer: String?

    /// Makes the manager for a state directory.
    init(in state: borrowing Directory, keepsReports: Bool) throws(SystemError) {
        directory = try state.directory("reports", create: true)
        self.state = try Directory(state.path)
        self.keepsReports = keepsReports
        backtracer = keepsReports ? Backtracer.find() : nil
    }

    /// The message if reports are wanted but cannot be written; else nil.
    var want: String? {
        guard keepsReports, backtracer == nil else { return nil }
        return "no crash reports: swift-backtrace is not found; scripts/install puts it beside the host, or have the "
            + "toolchain's swift in PATH"
    }

    /// Renames a report after its plugin and session to keep it, and removes the plugin's reports except for the newest
    /// 20; returns the new name.
    func keep(_ temporary: String, of plugin: String, session: SessionID) throws(SystemError) -> String {
        let name = Self.name(of: plugin, session)
        do throws(SystemError) {
            try directory.rename(temporary, to: name)
        } catch {
            guard error.isNotFound else { throw error }
            // A cleaner has removed the directory, and the report was saved into a new one.
            directory = try state.directory("reports", create: true)
            try directory.rename(temporary, to: name)
        }
        let surplus = ReportName.surplus(
            try directory.names(), of: plugin, ending: Self.ending, after: session, most: Self.mostReports)
        for old in surplus { try directory.remove(old) }
        return name
    }

    private static let ending = ".json"

    /// The name of a kept report.
    static func name(of plugin: String, _ session: SessionID) -> String {
        ReportName.make(plugin, session, ending: ending)
    }

    /// Removes a report that no record refers to.
    func drop(_ temporary: String) { try? directory.remove(temporary) }

    /// Removes the reports that a dead host left without a record.
    func sweep() {
        for name in (try? directory.names()) ?? [] where !name.contains("@") { try? directory.remove(name) }
    }
}
