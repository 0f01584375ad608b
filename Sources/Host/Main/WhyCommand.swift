internal import HostCommandLine
internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostViews
internal import HostWire

/// `why`: explains why routines are not running now.
enum WhyCommand {
    static func perform(_ options: OperateOptions) throws -> ExitStatus {
        let client = try HostClient(state: try Program.statePath(options.state))
        let status = try client.status()
        let explanations: [RoutineExplanation]
        do throws(RoutineSelection.Unknown) {
            explanations = try explain(options.identifiers, status, state: options.state)
        } catch {
            Complaint.say("\(error)")
            return .failure
        }
        if options.isJSON {
            var writer = JSONWriter()
            writer.list(of: explanations) { $0.write(to: &$1) }
            StandardStream.output.write(writer.bytes + [UInt8(ascii: "\n")])
        } else {
            for explanation in explanations {
                StandardStream.output.write(
                    TerminalText.clean("\(explanation.id) (\(explanation.state)): \(explanation.text)") + "\n")
            }
        }
        return .success
    }

    /// The explanations for the given ids, each of which stands for routines, or for a plugin whose file has none to
    /// show.
    private static func explain(_ words: [String], _ status: HostStatus, state: String?)
        throws(RoutineSelection.Unknown) -> [RoutineExplanation]
    {
        var explanations: [RoutineExplanation] = []
        var wanted: [String] = []
        for word in words {
            let files = status.plugins.filter { plugin in
                (plugin.id == word || plugin.file == word) && !status.routines.contains { $0.plugin == plugin.id }
            }
            explanations += files.map { RoutineExplanation($0, at: status) }
            if files.isEmpty { wanted.append(word) }
        }
        let chosen = Set(try RoutineSelection.resolve(wanted, among: status.routines.map(\.identifier)))
        let records = last(of: chosen, state)
        return explanations
            + status.routines.filter { chosen.contains($0.identifier) }.map {
                RoutineExplanation($0, at: status, last: records[$0.identifier])
            }
    }

    /// The newest record of each routine.
    private static func last(of identifiers: Set<String>, _ state: String?) -> [String: SessionRecord] {
        var newest: [String: SessionRecord] = [:]
        guard let state = try? Program.state(state) else { return newest }
        for identifier in identifiers {
            let parts = identifier.split(separator: "/", maxSplits: 1).map { String($0) }
            let texts = RecordTexts(plugin: parts.first, routine: parts.count > 1 ? parts[1] : nil)
            let found = try? SessionFiles.last(1, in: state, among: texts) { $0.identifier == identifier }
            if let record = found?.0.first { newest[identifier] = record }
        }
        return newest
    }
}
