internal import HostCommandLine
internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostViews
internal import HostWire

/// `status` and the commands that change a running host.
enum OperateCommand {
    /// Sends the request to the host of the state directory and shows the answer.
    static func perform(_ options: OperateOptions) throws -> ExitStatus {
        if options.isOfFleet { return try FleetCommand.status(options) }
        let client = try HostClient(state: try Program.statePath(options.state))
        let isStatus = options.action == .status
        var request = ControlRequest(
            options.action, identifiers: isStatus ? [] : options.identifiers, level: options.level)
        request.heir = options.heir
        switch try client.ask(request) {
        case .status(let status): return show(status, options)
        case .outcomes(let outcomes): return show(outcomes, options)
        case .level(let level):
            StandardStream.output.write(options.isJSON ? "{\"level\":\"\(level.rawValue)\"}\n" : "\(level.rawValue)\n")
            return .success
        case .lines, .fleet, .clearShared: return fail("the host gives another answer than was asked for")
        case .failed(let text): return fail(text)
        }
    }

    /// Writes the metrics as text or JSON.
    static func metrics(_ options: ClientOptions) throws -> ExitStatus {
        let client = try HostClient(state: try Program.statePath(options.state))
        let status = try client.status()
        StandardStream.output.write(
            options.isJSON ? MetricsJSON.json(status) + [UInt8(ascii: "\n")] : MetricsText.text(status))
        return .success
    }

    private static func show(_ whole: HostStatus, _ options: OperateOptions) -> ExitStatus {
        var status = whole
        if !options.identifiers.isEmpty {
            do throws(RoutineSelection.Unknown) {
                let chosen = try RoutineSelection.resolve(options.identifiers, among: whole.routines.map(\.identifier))
                status = whole.only(Set(chosen))
            } catch {
                return fail("\(error)")
            }
        }
        if options.isJSON {
            StandardStream.output.write(status.json() + [UInt8(ascii: "\n")])
        } else {
            let width = StandardStream.output.isTerminal ? TerminalSize.columns : nil
            StandardStream.output.write(
                StatusTable.text(status, width: width, isColored: StandardStream.output.showsColors))
        }
        return .success
    }

    private static func show(_ outcomes: [ControlResponse.Outcome], _ options: OperateOptions) -> ExitStatus {
        let isDone = outcomes.allSatisfy(\.isDone)
        if options.isJSON {
            StandardStream.output.write(ControlResponse.outcomes(outcomes).line())
        } else {
            for outcome in outcomes {
                let text = TerminalText.clean(outcome.id.isEmpty ? outcome.text : "\(outcome.id): \(outcome.text)")
                (outcome.isDone ? StandardStream.output : .error).write(text + "\n")
            }
        }
        return isDone ? .success : .failure
    }

    private static func fail(_ text: String) -> ExitStatus {
        Complaint.say(text)
        return .failure
    }
}
