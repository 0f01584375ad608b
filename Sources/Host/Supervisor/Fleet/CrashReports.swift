internal import HostInspection
internal import HostPolicy
internal import HostSystem
internal import HostValues

/// Manages the files of crash reports: where workers write them, and which are kept. `CrashExamination` reads them.
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

    /// The path by which a worker's backtracer reaches its report. Since a comma ends a path in the runtime's settings,
    /// a directory with a comma in its path is reached through our descriptor of it.
    func place(of name: String) -> String {
        // A cleaner may have removed the directory; the backtracer would then write into the log.
        if (try? state.status("reports")) == nil, let new = try? state.directory("reports", create: true) {
            directory = new
        }
        let path = HostProcess.absolute(directory.child(name))
        return path.contains(",") ? "/proc/\(HostProcess.pid)/fd/\(directory.descriptor.raw)/\(name)" : path
    }

    /// Creates a report's file for a worker that cannot create files there, because of its sandbox or its own user; returns the
    /// path.
    func make(_ name: String, for user: UInt32? = nil) throws(SystemError) -> String {
        do throws(SystemError) {
            try create(name, for: user)
        } catch {
            guard error.isNotFound else { throw error }
            // A cleaner has removed the directory, and another may be in its place already.
            directory = try state.directory("reports", create: true)
            try create(name, for: user)
        }
        return HostProcess.absolute(directory.child(name))
    }

    private func create(_ name: String, for user: UInt32?) throws(SystemError) {
        let file = try directory.create(name)
        if let user { try file.give(to: user, subject: name) }
    }

    /// Renames a report after its plugin and session to keep it, and removes the plugin's reports except for the newest
    /// 20; returns the new name.
    func keep(_ temporary: String, of plugin: String, session: SessionID) throws(SystemError) -> String {
        let name = Self.name(of: plugin, session)
        try directory.rename(temporary, to: name)
        let kept = ReportName.all(try directory.names(), of: plugin, ending: Self.ending)
        for old in kept.dropLast(Self.mostReports) { try directory.remove(old) }
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
