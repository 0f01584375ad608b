public import HostValues
internal import HostWire

/// Parses a command line with the GNU conventions: `--option value`, `--option=value`, `--` before operands. Pure.
public struct ArgumentParser {
    /// The current time, in ms since 1970, UTC, to which `--until +10m` is relative.
    let nowMs: Int64
    /// The time zone of `--until HH:MM`.
    let zone: CivilTime.Zone

    /// Creates a parser that uses the given time and zone.
    public init(nowMs: Int64, zone: CivilTime.Zone = .local) {
        self.nowMs = nowMs
        self.zone = zone
    }

    /// The options and operands of one command, each checked on its own.
    struct Parsed {
        var specification: CommandSpecification
        var flags: Set<OptionName> = []
        /// The values of options; if an option is repeated, the last value wins.
        var texts: [OptionName: String] = [:]
        /// All values, in order, of the options that may be repeated.
        var lists: [OptionName: [String]] = [:]
        /// The values of numeric options: counts, durations in ms, and times in ms since 1970, UTC.
        var numbers: [OptionName: Int64] = [:]
        var operands: [String] = []
        var wantsHelp = false

        func has(_ name: OptionName) -> Bool { flags.contains(name) || texts[name] != nil }

        func fail(_ message: String) -> UsageError { UsageError(command: specification.name, message: message) }
    }

    /// Parses the arguments, without the program's name.
    public func parse(_ arguments: [String]) throws(UsageError) -> Command {
        guard let first = arguments.first else {
            throw UsageError(command: nil, message: "nothing to do: give --plugins DIR to run plugins, or a command")
        }
        if first == "--help" || first == "-h" { return .help(nil) }
        if first == "--version" || first == "-V" { return .version(isJSON: false) }
        let name: CommandName
        var rest = arguments[...]
        if first.hasPrefix("-") {
            name = .run
        } else {
            guard let command = CommandName(rawValue: first) else {
                let suggestion =
                    first == CommandTable.configurationTopic
                    ? ": \(CommandTable.program) help config explains settings"
                    : Spelling.suggestion(for: first, in: CommandName.allCases.map(\.rawValue))
                throw UsageError(command: nil, message: "unknown command \(Spelling.quoted(first))\(suggestion)")
            }
            name = command
            rest = rest.dropFirst()
        }
        var parsed = Parsed(specification: CommandTable.specification(of: name))
        try read(rest, into: &parsed)
        if parsed.wantsHelp { return .help(name) }
        try checkWhole(parsed)
        return try command(parsed)
    }

    private func read(_ arguments: ArraySlice<String>, into parsed: inout Parsed) throws(UsageError) {
        var rest = arguments
        while let word = rest.popFirst() {
            if word == "--" {
                parsed.operands += rest
                return
            } else if word == "--help" || word == "-h" {
                parsed.wantsHelp = true
                return
            } else if word.hasPrefix("-"), word != "-" {
                try readOption(word, &rest, into: &parsed)
            } else {
                parsed.operands.append(word)
            }
        }
    }

    private func readOption(_ word: String, _ rest: inout ArraySlice<String>, into parsed: inout Parsed)
        throws(UsageError)
    {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let written = String(parts[0])
        let options = parsed.specification.options
        guard written.hasPrefix("--"), let option = options.first(where: { "--" + $0.name.rawValue == written }) else {
            let known = options.map(\.name.rawValue) + ["help"]
            let suggestion = Spelling.suggestion(for: written, in: known, prefix: "--")
            throw parsed.fail("unknown option \(Spelling.quoted(written))\(suggestion)")
        }
        let name = option.name
        if parsed.has(name), !option.isRepeatable { throw parsed.fail("\(written) is given twice") }
        guard let kind = option.value else {
            if parts.count > 1 { throw parsed.fail("\(written) takes no value") }
            parsed.flags.insert(name)
            return
        }
        if parts.count > 1 {
            try store(String(parts[1]), kind, option, into: &parsed)
        } else if let value = rest.first, !value.hasPrefix("--") {
            rest.removeFirst()
            try store(value, kind, option, into: &parsed)
        } else {
            let other = rest.first.map { ", not \(Spelling.quoted($0)) (a value like that is written after =)" } ?? ""
            throw parsed.fail("\(option.synopsis): the value is missing\(other)")
        }
    }

    /// Checks a value and stores it.
    private func store(_ value: String, _ kind: ValueKind, _ option: OptionSpecification, into parsed: inout Parsed)
        throws(UsageError)
    {
        let name = option.name
        func refuse(_ wanted: String) -> UsageError {
            parsed.fail("--\(name.rawValue): \(Spelling.quoted(value)) is not \(wanted)")
        }
        switch kind {
        case .text, .plugin, .routine, .session: break
        case .directory, .file:
            if value.isEmpty { throw parsed.fail("\(option.synopsis): the value is empty") }
        case .count(let most):
            guard value.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let number = Int64(value), (1...most).contains(number)
            else { throw refuse("a whole number from 1" + (most == .max ? "" : " to \(most)")) }
            parsed.numbers[name] = number
        case .duration(let most):
            guard let duration = TimeText.duration(value), duration <= most else {
                throw refuse(
                    "a time such as 10 (seconds), 1.5s, 500ms or 2m, up to \(DurationText.exact(milliseconds: UInt64(clamping: most)))"
                )
            }
            parsed.numbers[name] = duration
        case .time:
            guard let moment = TimeText.moment(value, nowMs: nowMs, zone: zone) else {
                throw refuse("a time such as 2026-11-24T18:30:00Z, 18:30, +90s, +10m or +2h")
            }
            guard moment > nowMs else { throw refuse("in the future") }
            parsed.numbers[name] = moment
        case .moment:
            guard let moment = TimeText.moment(value, nowMs: nowMs, zone: zone) else {
                throw refuse("a time such as 2026-11-24T18:30:00Z, 18:30, +90s, +10m or +2h")
            }
            parsed.numbers[name] = moment
        case .address:
            guard ListenAddress(value) != nil else {
                throw refuse("an address and a port such as 127.0.0.1:9800 or [::1]:9800, or unix:PATH")
            }
        case .choice(let words):
            guard words.contains(value) else {
                throw refuse(Spelling.choice(words) + Spelling.suggestion(for: value, in: words))
            }
        }
        parsed.texts[name] = value
        if option.isRepeatable { parsed.lists[name, default: []].append(value) }
    }

    private func checkWhole(_ parsed: Parsed) throws(UsageError) {
        let specification = parsed.specification
        for option in specification.options where option.isRequired && !parsed.has(option.name) {
            throw parsed.fail("\(option.synopsis) is missing")
        }
        let count = parsed.operands.count
        if count < specification.operandCount.lowerBound {
            throw parsed.fail("\(specification.operands) is missing")
        }
        if count > specification.operandCount.upperBound {
            let extra = parsed.operands[specification.operandCount.upperBound]
            let hint = CommandName(rawValue: extra) == nil ? "" : ": a command comes before all options"
            throw parsed.fail("\(Spelling.quoted(extra)) is one word too many\(hint)")
        }
        if let first = parsed.operands.first, !specification.firstOperand.isEmpty,
            !specification.firstOperand.contains(first)
        {
            let words = specification.firstOperand
            throw parsed.fail(
                "\(Spelling.quoted(first)) is not \(Spelling.choice(words))"
                    + Spelling.suggestion(for: first, in: words))
        }
    }
}
