internal import HostCommandLine
internal import HostSystem
internal import HostValues
internal import HostViews
internal import HostWire

/// `status --fleet` and `records --fleet`: what all hosts of a cluster run and have run, as the running host reads it in their
/// store.
enum FleetCommand {
    /// How long the store is waited for, in ns; then what the host has read before is shown.
    private static let patience: Int64 = 3_000_000_000
    /// How many records `status` shows, and from how many at most `records` chooses.
    private static let shown: UInt64 = 10

    /// Shows hosts, leases and sessions.
    static func status(_ options: OperateOptions) throws -> ExitStatus {
        let fleet = try read(HostClient(state: try Program.statePath(options.state)), records: shown)
        if options.isJSON {
            var writer = JSONWriter()
            writer.open()
            fleet.write(to: &writer)
            writer.close()
            StandardStream.output.write(writer.bytes + [UInt8(ascii: "\n")])
        } else {
            StandardStream.output.write(
                FleetTable.text(fleet, width: width, isColored: StandardStream.output.showsColors))
        }
        return .success
    }

    /// Shows records. How old they are is said to standard error, if they are not as they are now.
    static func records(_ options: RecordsOptions) throws -> ExitStatus {
        let client = try HostClient(state: try Program.statePath(options.state))
        var fleet = try read(client, records: ControlRequest.mostFleetRecords)
        fleet.records = fleet.records.filter { options.matches($0) }.suffix(options.last ?? .max)
        if fleet.trouble != nil || fleet.isCut || fleet.unreadable > 0 { Complaint.say(FleetTable.head(of: fleet)) }
        switch options.format {
        case .table:
            StandardStream.output.write(
                FleetTable.records(fleet, width: width, isColored: StandardStream.output.showsColors))
        case .json: StandardStream.output.write(RecordTable.json(fleet.records))
        case .csv:
            let text = RecordTable.csv(fleet.records)
            StandardStream.output.write(
                width == nil ? text : TerminalText.cleanLines(text.replacing("\r\n", with: "\n")))
        }
        return .success
    }

    private static var width: Int? { StandardStream.output.isTerminal ? TerminalSize.columns : nil }

    /// What the host reads in the store. When that takes too long, what it has read before.
    private static func read(_ client: HostClient, records: UInt64) throws -> FleetStatus {
        let clock = SystemClock()
        let deadline = clock.monotonic() + patience
        let nothing = try Poller()
        var request = ControlRequest(.fleet)
        request.last = records
        while true {
            let answer = try client.ask(request) { if case .fleet(let answer) = $0 { answer } else { nil } }
            switch answer {
            case .status(let status): return status
            case .reading(let round):
                guard request.after != 0 else { throw HostClient.Failure.silent("the host reads, and shows nothing") }
                request.after = clock.monotonic() < deadline ? round : 0
                _ = try nothing.wait(milliseconds: 10) { _, _ in }
            }
        }
    }
}
