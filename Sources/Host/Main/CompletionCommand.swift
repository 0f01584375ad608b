internal import HostCommandLine
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire

/// Words that shells offer: quick and silent, whatever is wrong.
enum CompletionCommand {
    /// How long the host may take, ms: somebody waits for it with a key pressed.
    private static let patience: Int32 = 1000
    /// Sessions that are offered.
    private static let mostSessions = 100

    /// A word a line, and after a tab what it is.
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
