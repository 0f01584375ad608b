internal import HostCommandLine
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire

/// Lists words for a shell's completion. It must be quick, and stays silent about all errors.
enum CompletionCommand {
    /// The timeout for the host's answer in ms; it is short, because a person waits after pressing a key.
    private static let patience: Int32 = 1000
    /// The maximum number of sessions that are offered.
    private static let mostSessions = 100

    /// Writes one word a line, followed by a tab and a description.
    static func words(_ options: WordsOptions) -> ExitStatus {
        guard let path = try? Program.statePath(options.state) else { return .success }
        var lines: [(word: String, meaning: String)] = []
        switch options.kind {
        case .ids:
            lines = status(path).map { plugins($0) + $0.routines.map { ($0.identifier, $0.state.rawValue) } } ?? []
        case .plugins: lines = status(path).map { plugins($0) } ?? []
        case .routines:
            let names = status(path).map { $0.routines.map { ($0.routine, "of \($0.plugin)") } } ?? []
            lines = Dictionary(names) { first, _ in first }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        case .sessions: lines = sessions(path)
        }
        StandardStream.output.write(
            lines.map { TerminalText.clean($0.word) + "\t" + TerminalText.clean($0.meaning) + "\n" }.joined())
        return .success
    }

    private static func status(_ path: String) -> HostStatus? {
        guard let client = try? HostClient(state: path, timeout: patience),
            let status = try? client.status()
        else { return nil }
        return status
    }

    private static func plugins(_ status: HostStatus) -> [(String, String)] {
        status.plugins.filter { $0.routines > 0 }.map { plugin in
            (plugin.id, plugin.routines == 1 ? "its routine" : "its \(plugin.routines) routines")
        }
    }

    private static func sessions(_ path: String) -> [(String, String)] {
        guard let directory = try? Directory(path),
            let records = try? SessionFiles.last(mostSessions, in: directory).records
        else { return [] }
        return records.reversed().map { record in
            (
                "\(record.session)",
                "\(record.identifier) \(record.reason.kind.name) \(Timestamp.format(record.startMs))"
            )
        }
    }
}
