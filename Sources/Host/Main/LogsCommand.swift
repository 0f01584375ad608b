internal import HostCommandLine
internal import HostSystem
internal import HostValues
internal import HostViews
internal import HostWire

/// `logs`: shows the last lines of a running host's log, and follows it on request.
enum LogsCommand {
    /// The interval at which the host is asked for new lines, in ms.
    private static let pause: Int32 = 100

    static func perform(_ options: LogsOptions) throws -> ExitStatus {
        let client = try HostClient(state: try Program.statePath(options.state))
        let signals = try SignalDescriptor([Signals.interrupt, Signals.terminate])
        let poller = try Poller()
        try poller.add(signals.descriptor, for: .readable, token: 1)
        var printer = LinePrinter(isJSON: options.isJSON, hasAll: options.level == .trace)
        var query = LogQuery()
        query.last = options.last
        query.level = options.level
        while true {
            let lines: [LogLine]
            do {
                lines = try client.ask(ControlRequest(query, identifiers: options.identifiers)) {
                    if case .lines(let lines) = $0 { lines } else { nil }
                }
            } catch HostClient.Failure.silent where query.after > 0 {
                Complaint.say("the host has ended")
                return .success
            }
            if !printer.write(lines) || !options.follows { return .success }
            if let newest = lines.last?.number { query.after = newest }
            query.last = Int(ControlRequest.mostLines)
            // If there are more lines than one answer holds, the next request follows at once.
            if lines.count < query.last, try poller.wait(milliseconds: Self.pause, { _, _ in }) > 0 { return .success }
        }
    }
}

/// Writes lines to standard output and reports gaps in their numbers.
private struct LinePrinter {
    let isJSON: Bool
    /// Whether lines of all levels are requested, so that a missing number means a lost line.
    let hasAll: Bool
    private var text = LogText(
        isColored: StandardStream.output.showsColors, isDated: !StandardStream.output.isTerminal)
    /// The number of the last line of each subject, within the subject.
    private var seen: [String: UInt64] = [:]

    init(isJSON: Bool, hasAll: Bool) {
        self.isJSON = isJSON
        self.hasAll = hasAll
    }

    /// Writes the lines; false if the reader has closed standard output.
    mutating func write(_ lines: [LogLine]) -> Bool {
        var bytes: [UInt8] = []
        for line in lines {
            if hasAll, let last = seen[line.subject], line.ordinal > last, line.ordinal - last > 1 {
                let lost = line.ordinal - last - 1
                let source = line.subject.isEmpty ? "the host" : line.subject
                Complaint.say("\(lost) \(lost == 1 ? "line" : "lines") of \(source) came too fast to be shown")
            }
            seen[line.subject] = line.ordinal
            if isJSON {
                var writer = JSONWriter()
                line.write(to: &writer)
                bytes += writer.bytes + [UInt8(ascii: "\n")]
            } else {
                bytes += text.line(line.level, line.subject, line.text, ms: line.ms).utf8
            }
        }
        return bytes.isEmpty || StandardStream.output.write(bytes)
    }
}
