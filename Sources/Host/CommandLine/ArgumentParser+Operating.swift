internal import HostValues
internal import HostViews
internal import HostWire

extension ArgumentParser {
    /// The options of the commands that talk to a running host.
    func operate(_ action: ControlRequest.Action, _ parsed: Parsed) -> OperateOptions {
        var options = OperateOptions(action)
        options.state = parsed.texts[.state]
        options.isJSON = parsed.has(.json)
        if action == .logLevel {
            options.level = parsed.operands.first.flatMap { LogLevel(rawValue: $0) }
        } else {
            options.identifiers = parsed.operands
        }
        return options
    }

    /// The options of `status`.
    func status(_ parsed: Parsed) throws(UsageError) -> OperateOptions {
        var options = operate(.status, parsed)
        options.isOfFleet = parsed.has(.fleet)
        if options.isOfFleet, !options.identifiers.isEmpty {
            throw parsed.fail("--fleet shows all hosts as a whole: leave out the IDs")
        }
        return options
    }

    /// The command for either a completion script or a list of words to offer.
    func completion(_ parsed: Parsed) -> Command {
        let first = parsed.operands.first
        if let kind = first.flatMap({ WordsOptions.Kind(rawValue: $0) }) {
            return .words(WordsOptions(kind, state: parsed.texts[.state]))
        }
        return .completion(first.flatMap { Shell(rawValue: $0) } ?? .bash)
    }

    /// The options of `cluster`.
    func cluster(_ parsed: Parsed) throws(UsageError) -> ClusterOptions {
        var options = ClusterOptions(parsed.operands.first.flatMap { .init(rawValue: $0) } ?? .show)
        options.state = parsed.texts[.state]
        options.isJSON = parsed.has(.json)
        options.identifiers = Array(parsed.operands.dropFirst())
        options.heir = parsed.texts[.to]
        if options.action == .move, options.identifiers.isEmpty { throw parsed.fail("move wants an ID") }
        if options.action != .move, let word = options.identifiers.first {
            throw parsed.fail("\(Spelling.quoted(word)) is one word too many")
        }
        if options.action != .move, options.heir != nil { throw parsed.fail("--to is for move only") }
        return options
    }

    /// The options of `top`.
    func top(_ parsed: Parsed) -> TopOptions {
        var options = TopOptions()
        options.state = parsed.texts[.state]
        options.key = parsed.texts[.sort].flatMap { .init(rawValue: $0) } ?? options.key
        options.intervalMs = max(100, parsed.numbers[.interval] ?? options.intervalMs)
        options.isJSON = parsed.has(.json)
        options.isRepeated = parsed.has(.interval)
        return options
    }

    /// The options of `report`.
    func report(_ parsed: Parsed) -> ReportOptions {
        var options = ReportOptions(output: parsed.texts[.output] ?? "")
        options.state = parsed.texts[.state]
        options.isJSON = parsed.has(.json)
        return options
    }
}
