internal import HostPolicy
internal import HostValues
internal import HostViews
internal import HostWire

extension ArgumentParser {
    /// Converts parsed words, each of which has been checked on its own, into a typed command.
    func command(_ parsed: Parsed) throws(UsageError) -> Command {
        switch parsed.specification.name {
        case .run: .run(try run(parsed))
        case .list: .list(list(parsed))
        case .check: .check(try check(parsed))
        case .trial: .trial(try trial(parsed))
        case .calendar: .calendar(try calendar(parsed))
        case .records: .records(try records(parsed))
        case .cache: .cache(try cache(parsed))
        case .status: .operate(try status(parsed))
        case .logs: .logs(logs(parsed))
        case .why: .why(operate(.status, parsed))
        case .cluster: .cluster(try cluster(parsed))
        case .metrics: .metrics(ClientOptions(state: parsed.texts[.state], isJSON: parsed.has(.json)))
        case .top: .top(top(parsed))
        case .report: .report(report(parsed))
        case .runNow: .operate(operate(.runNow, parsed))
        case .pause: .operate(operate(.pause, parsed))
        case .resume: .operate(operate(.resume, parsed))
        case .restart: .operate(operate(.restart, parsed))
        case .stop: .operate(operate(.stop, parsed))
        case .reload: .operate(operate(.reload, parsed))
        case .logLevel: .operate(operate(.logLevel, parsed))
        case .new: .new(try new(parsed))
        case .completion: completion(parsed)
        case .man: .man(parsed.operands.first.flatMap { ManualPage.Page(rawValue: $0) } ?? .program)
        case .help: try help(parsed)
        case .version: .version(isJSON: parsed.has(.json))
        }
    }

    private func run(_ parsed: Parsed) throws(UsageError) -> RunOptions {
        var options = RunOptions()
        options.plugins = parsed.texts[.plugins] ?? ""
        options.state = parsed.texts[.state]
        options.config = parsed.texts[.config]
        options.isolation = parsed.texts[.isolation].flatMap { Isolation(rawValue: $0) }
        options.maxCycles = parsed.numbers[.maxCycles].map { UInt64(clamping: $0) }
        options.untilMs = parsed.numbers[.until]
        options.exitWhenIdle = parsed.has(.exitWhenIdle)
        options.logFormat = parsed.texts[.logFormat].flatMap { .init(rawValue: $0) } ?? options.logFormat
        options.logLevel = parsed.texts[.logLevel].flatMap { .init(rawValue: $0) } ?? options.logLevel
        options.graceMs = parsed.numbers[.grace] ?? options.graceMs
        options.keepsCrashReports = !parsed.has(.noCrashReports)
        options.allowUnsafePermissions = parsed.has(.allowUnsafePermissions)
        options.listen = parsed.texts[.listen].flatMap { ListenAddress($0) }
        options.listenAnywhere = parsed.has(.listenAnywhere)
        options.listenNames = parsed.lists[.listenName] ?? []
        options.metricsFile = parsed.texts[.metricsFile]
        options.polls = parsed.has(.poll)
        if options.listenAnywhere, options.listen == nil {
            throw parsed.fail("--listen-anywhere wants --listen ADDRESS:PORT")
        }
        if !options.listenNames.isEmpty, !options.listenAnywhere {
            throw parsed.fail("--listen-name wants --listen-anywhere")
        }
        return options
    }

    private func help(_ parsed: Parsed) throws(UsageError) -> Command {
        let words = parsed.operands
        guard words.first == CommandTable.configurationTopic else {
            if words.count > 1 { throw parsed.fail("\(Spelling.quoted(words[1])) is one word too many") }
            if parsed.has(.markdown) { throw parsed.fail("--markdown is for config") }
            return .help(words.first.flatMap { CommandName(rawValue: $0) })
        }
        guard words.count > 1 else { return .configurationHelp(parsed.has(.markdown) ? .markdown : .all) }
        if parsed.has(.markdown) { throw parsed.fail("--markdown shows every key: leave out the KEY") }
        guard let keys = ConfigurationHelp.keys(named: words[1]) else {
            let suggestion = Spelling.suggestion(for: words[1], in: ConfigurationHelp.words)
            throw parsed.fail("there is no key \(Spelling.quoted(words[1]))\(suggestion)")
        }
        return .configurationHelp(.keys(keys))
    }

    private func calendar(_ parsed: Parsed) throws(UsageError) -> CalendarOptions {
        // A schedule without quotes arrives as several words; they are joined into one text.
        var options = CalendarOptions(text: parsed.operands.joined(separator: " "))
        options.zone = parsed.texts[.zone]
        options.fromMs = parsed.numbers[.from]
        // Without this, the first times of 1970 would look like an answer to what was asked.
        if let from = options.fromMs, from < 0 { throw parsed.fail("schedules have no times before the year 1970") }
        options.count = parsed.numbers[.count].map { Int($0) } ?? options.count
        options.dst = parsed.texts[.dst].flatMap { .init(rawValue: $0) } ?? options.dst
        options.isJSON = parsed.has(.json)
        return options
    }

    private func check(_ parsed: Parsed) throws(UsageError) -> CheckOptions {
        var options = CheckOptions(files: parsed.operands)
        options.config = parsed.texts[.config]
        options.isQuick = parsed.has(.quick)
        options.asksForSandbox = parsed.has(.sandbox)
        options.isJSON = parsed.has(.json)
        if options.files.isEmpty, options.config == nil { throw parsed.fail("a FILE or --config is missing") }
        return options
    }

    private func new(_ parsed: Parsed) throws(UsageError) -> NewOptions {
        let name = parsed.operands.first ?? ""
        // The name serves as the name of a file, a directory, a make target and a plugin, so it must be valid for all
        // of them.
        let isGood =
            (1...64).contains(name.utf8.count) && name.utf8.first.map { $0 != UInt8(ascii: "-") } == true
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        if !isGood {
            throw parsed.fail("\(Spelling.quoted(name)) is no name: 1 to 64 of a-z, 0-9 and -, not beginning with -")
        }
        return NewOptions(
            name: name, language: parsed.texts[.language].flatMap { .init(rawValue: $0) } ?? .c)
    }

    private func list(_ parsed: Parsed) -> ListOptions {
        var options = ListOptions()
        options.plugins = parsed.texts[.plugins] ?? ""
        options.config = parsed.texts[.config]
        options.allowUnsafePermissions = parsed.has(.allowUnsafePermissions)
        options.isWhole = parsed.has(.all)
        options.isJSON = parsed.has(.json)
        return options
    }

    private func records(_ parsed: Parsed) throws(UsageError) -> RecordsOptions {
        var options = RecordsOptions()
        options.state = parsed.texts[.state]
        options.plugin = parsed.texts[.plugin]
        options.routine = parsed.texts[.routine]
        options.failedOnly = parsed.has(.failed)
        options.last = parsed.numbers[.last].map { Int($0) }
        options.format = parsed.texts[.format].flatMap { .init(rawValue: $0) } ?? options.format
        if try parsed.wantsJSON() { options.format = .json }
        options.isOfFleet = parsed.has(.fleet)
        if options.isOfFleet, parsed.has(.show) {
            throw parsed.fail("--show shows a record of this host: leave out --fleet")
        }
        if let text = parsed.texts[.show] {
            guard let session = SessionID(text) else {
                throw parsed.fail(
                    "--show: \(Spelling.quoted(text)) is no session: 13 letters and digits, as in the log")
            }
            options.show = session
            for other in [OptionName.plugin, .routine, .failed, .last] where parsed.has(other) {
                throw parsed.fail("--show shows one record: leave out --\(other.rawValue)")
            }
            if options.format == .csv { throw parsed.fail("--show has the forms table and json, not csv") }
        }
        return options
    }

    private func cache(_ parsed: Parsed) throws(UsageError) -> CacheCommandOptions {
        var options = CacheCommandOptions(parsed.operands.first.flatMap { .init(rawValue: $0) } ?? .list)
        options.state = parsed.texts[.state]
        options.key = parsed.texts[.key]
        options.format = parsed.texts[.format].flatMap { .init(rawValue: $0) } ?? options.format
        if try parsed.wantsJSON() { options.format = .json }
        if parsed.operands.count > 1 {
            let parts = parsed.operands[1].split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
            guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }) else {
                throw parsed.fail("\(Spelling.quoted(parsed.operands[1])) is not PLUGIN or PLUGIN/ROUTINE")
            }
            options.plugin = parts[0]
            if parts.count > 1 { options.routine = parts[1] }
        }
        if parsed.operands.count > 2 {
            options.name = parsed.operands[2]
            options.routine = options.routine ?? CacheCommandOptions.shared
        }
        try check(options, parsed)
        return options
    }

    /// Checks the rules of the cache actions that concern several words at once.
    private func check(_ options: CacheCommandOptions, _ parsed: Parsed) throws(UsageError) {
        let action = options.action.rawValue
        if parsed.has(.all), options.action != .clear { throw parsed.fail("--all is for clear only") }
        if options.key != nil, options.name == nil { throw parsed.fail("--key wants PLUGIN/ROUTINE and NAME") }
        if options.action == .get, let form = [OptionName.format, .json].first(where: { parsed.has($0) }) {
            throw parsed.fail("get writes the value as it is: leave out --\(form.rawValue)")
        }
        switch options.action {
        case .list:
            if options.name != nil { throw parsed.fail("list takes no NAME: use show") }
        case .show, .get:
            if options.name == nil { throw parsed.fail("\(action) wants PLUGIN/ROUTINE and NAME") }
        case .clear:
            if parsed.has(.all), options.plugin != nil { throw parsed.fail("clear wants a PLUGIN or --all, not both") }
            if !parsed.has(.all), options.plugin == nil { throw parsed.fail("clear wants a PLUGIN, or --all") }
        }
    }
}

extension ArgumentParser.Parsed {
    /// Whether `--json`, the short form of `--format json`, was given.
    func wantsJSON() throws(UsageError) -> Bool {
        guard has(.json) else { return false }
        if let format = texts[.format], format != "json" { throw fail("--json and --format \(format) are given both") }
        return true
    }
}
