internal import HostInspection
internal import HostPolicy
internal import HostSystem
internal import HostValues

/// Crash reports as files: where workers put them, and which are kept. What they say is `CrashExamination`'s.
final class CrashReports {
    /// Reports that are kept of each plugin.
    private static let mostReports = 20

    private var directory: Directory
    private let state: Directory
    private let keepsReports: Bool
    /// The program that writes the reports; nil where none are wanted, or it is not found.
    let backtracer: String?

    /// The reports of a state directory.
    init(in state: borrowing Directory, keepsReports: Bool) throws(SystemError) {
        directory = try state.directory("reports", create: true)
        self.state = try Directory(state.path)
        self.keepsReports = keepsReports
        backtracer = keepsReports ? Backtracer.find() : nil
    }

    /// What people are told when reports are wanted and cannot be written.
    var want: String? {
        guard keepsReports, backtracer == nil else { return nil }
        return "no crash reports: swift-backtrace is not found; scripts/install puts it beside the host, or have the "
            + "toolchain's swift in PATH"
    }

    /// The path by which a worker's backtracer reaches a report that it is to write. A comma ends a path in the
    /// runtime's settings, so a directory with one in its path is reached by our descriptor of it.
    func place(of name: String) -> String {
        // A cleaner may have removed it; what cannot be written there is written into the log.
        if (try? state.status("reports")) == nil, let new = try? state.directory("reports", create: true) {
            directory = new
        }
        let path = HostProcess.absolute(directory.child(name))
        return path.contains(",") ? "/proc/\(HostProcess.pid)/fd/\(directory.descriptor.raw)/\(name)" : path
    }

    /// Makes the file of a report that is to be written by who may not make files there; returns its path.
    func make(_ name: String) throws(SystemError) -> String {
        do throws(SystemError) {
            _ = try directory.create(name)
        } catch {
            guard error.isNotFound else { throw error }
            // A cleaner has removed the directory, and another one may be in its place already.
            directory = try state.directory("reports", create: true)
            _ = try directory.create(name)
        }
        return HostProcess.absolute(directory.child(name))
    }

    /// Gives a report its lasting name, that of its plugin and session, and removes the plugin's oldest beyond the
    /// newest 20; returns the name.
    func keep(_ temporary: String, of plugin: String, session: SessionID) throws(SystemError) -> String {
        let name = Self.name(of: plugin, session)
        try directory.rename(temporary, to: name)
        let kept = try directory.names().filter { $0.hasPrefix(plugin + "@") && $0.hasSuffix(".json") }
        for old in kept.dropLast(Self.mostReports) { try directory.remove(old) }
        return name
    }

    /// The name of a report that a record has. No plugin's name has an @.
    static func name(of plugin: String, _ session: SessionID) -> String { "\(plugin)@\(session).json" }

    /// Removes a report that no record names.
    func drop(_ temporary: String) { try? directory.remove(temporary) }

    /// Removes the reports that a dead host left without a record.
    func sweep() {
        for name in (try? directory.names()) ?? [] where !name.contains("@") { try? directory.remove(name) }
    }
}
