internal import HostCommandLine
internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire

/// `cache`: shows or clears the disk caches, whether or not a host is running.
enum CacheCommand {
    private static let noValue = "there is no such value: schedhost cache list shows what there is"

    /// Performs an action on the caches in the state directory.
    static func perform(_ options: CacheCommandOptions) throws -> ExitStatus {
        let directory = try Program.state(options.state)
        let clock = SystemClock()
        let inspector = CacheInspector(state: SystemCacheFolder(directory, clock: clock), clock: clock)
        let selection = CacheInspector.Selection(
            plugin: options.plugin, routine: options.routine, name: options.name,
            key: options.key.map { Array($0.utf8) })
        switch options.action {
        case .list: return show(inspector.list(selection), options.format)
        case .show:
            let report = inspector.list(selection)
            if report.files.isEmpty { return fail(noValue) }
            return show(report, options.format, isWhole: true)
        case .get: return get(inspector, options)
        case .clear:
            // First the store that hosts share: else workers would take from there what they have just let go.
            let shared = clearShared(options)
            let (removed, errors) = inspector.clear(selection)
            complain(errors)
            let count = shared.removed.map { ",\"shared\":\($0)" } ?? ""
            if options.format == .json { StandardStream.output.write("{\"removed\":\(removed)\(count)}\n") }
            Complaint.say("\(removed) \(removed == 1 ? "value" : "values") removed")
            if let shared = shared.removed, shared > 0 {
                Complaint.say("\(shared) \(shared == 1 ? "value" : "values") removed from the cluster's store")
            }
            let isTold = tellHost(options)
            return errors.isEmpty && isTold && shared.isDone ? .success : .failure
        }
    }

    private static func request(_ action: ControlRequest.Action, _ options: CacheCommandOptions) -> ControlRequest {
        let identifier = options.plugin.map { plugin in
            options.routine.map { $0 == CacheCommandOptions.shared ? plugin : plugin + "/" + $0 } ?? plugin
        }
        return ControlRequest(
            action, identifiers: identifier.map { [$0] } ?? [], name: options.name, key: options.key)
    }

    /// Has a running host remove the values from the store that its cluster shares; how many there were, nil if it is in no
    /// cluster or does not run. False if that could not be done.
    private static func clearShared(_ options: CacheCommandOptions) -> (removed: UInt64?, isDone: Bool) {
        do {
            let client = try HostClient(state: try Program.statePath(options.state))
            let nothing = try Poller()
            var request = request(.clearShared, options)
            while true {
                let answer = try client.ask(request) { response -> SharedClearAnswer?? in
                    if case .clearShared(let answer) = response { .some(answer) } else { nil }
                }
                switch answer {
                case nil: return (nil, true)
                case .underWay(let number):
                    request.after = number
                    _ = try nothing.wait(milliseconds: 10) { _, _ in }
                case .done(let removed, nil): return (removed, true)
                case .done(let removed, let trouble?):
                    return (removed, !complain("values stay in the cluster's store: \(trouble)"))
                }
            }
        } catch HostClient.Failure.noHost {
            return (nil, true)
        } catch {
            return (nil, !complain("values that the hosts of a cluster share may stay in its store: \(error)"))
        }
    }

    /// Tells the workers of a running host to drop their in-memory copies, so that the next get loads the value.
    /// Returns false if there is a host that could not be told.
    private static func tellHost(_ options: CacheCommandOptions) -> Bool {
        do {
            let client = try HostClient(state: try Program.statePath(options.state))
            guard case .failed(let text) = try client.ask(request(.dropCached, options)) else { return true }
            return !complain("the running host does not let go of its copies: \(text)")
        } catch HostClient.Failure.noHost {
            return true
        } catch {
            return !complain("\(error): if it runs, its workers serve their copies in memory until these expire")
        }
    }

    /// Reports an error; always returns true.
    private static func complain(_ text: String) -> Bool {
        Complaint.say(text)
        return true
    }

    private static func get(_ inspector: CacheInspector, _ options: CacheCommandOptions) -> ExitStatus {
        guard let plugin = options.plugin, let routine = options.routine, let name = options.name,
            let found = inspector.get(
                plugin: plugin, routine: routine, name: name, key: Array((options.key ?? "").utf8))
        else { return fail(absence(inspector, options)) }
        guard let bytes = found.bytes else {
            return fail("\(found.listing.file): \(found.listing.flaw ?? "unreadable")")
        }
        // A file or a program gets the raw bytes; a terminal would interpret control characters in them.
        if StandardStream.output.isTerminal {
            StandardStream.output.write(TerminalText.cleanLines(String(decoding: bytes, as: UTF8.self)))
            return .success
        }
        StandardStream.output.write(bytes)
        return .success
    }

    /// Why there is no value to get. Who names no key means the value without one, which a cache with keys does not have.
    private static func absence(_ inspector: CacheInspector, _ options: CacheCommandOptions) -> String {
        guard options.key == nil, let plugin = options.plugin, let routine = options.routine, let name = options.name
        else { return noValue }
        let files = inspector.list(.init(plugin: plugin, routine: routine, name: name)).files
        let keyed = files.filter { !$0.key.isEmpty && $0.flaw == nil }
        guard let first = keyed.first else { return noValue }
        let count = keyed.count == 1 ? "one value" : "\(keyed.count) values"
        return "there is no value without a key, and \(count) with one: name it, as by "
            + "--key \(Spelling.quoted(String(decoding: first.key, as: UTF8.self)))"
    }

    private static func show(
        _ report: CacheInspector.Report, _ format: CacheCommandOptions.Format, isWhole: Bool = false
    ) -> ExitStatus {
        complain(report.errors)
        switch format {
        case .json: StandardStream.output.write(json(report.files))
        case .table where isWhole: StandardStream.output.write(report.files.map(whole).joined(separator: "\n"))
        case .table: StandardStream.output.write(table(report.files))
        }
        return report.errors.isEmpty ? .success : .failure
    }

    private static func fail(_ text: String) -> ExitStatus {
        Complaint.say(text)
        return .failure
    }

    private static func complain(_ errors: [SystemError]) {
        for error in errors { Complaint.say("\(error)") }
    }

    // MARK: Output formats

    private static func table(_ files: [CacheInspector.Listing]) -> String {
        let titles = ["CACHE", "KEY", "SIZE", "AGE", "EXPIRES AFTER", "GENERATION", "LOADS", "BUILD", "STATE"]
        let rows = files.map { file in
            guard let value = file.value else {
                return [identifier(file), key(file), "", "", "", "", "", "", state(file)]
            }
            return [
                identifier(file), key(file), size(value.size), duration(value.age), expiry(value.expire),
                "\(value.generation)", "\(value.loads)", String(value.build.prefix(12)), state(file),
            ]
        }
        let widths = titles.indices.map { column in
            ([titles] + rows).map { TerminalText.width($0[column]) }.max() ?? 0
        }
        let numbers: Set<Int> = [2, 3, 4, 5, 6]
        return ([titles] + rows).map { row in
            let cells = row.indices.map { TerminalText.pad(row[$0], to: widths[$0], isNumber: numbers.contains($0)) }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
        }.joined()
    }

    private static func whole(_ file: CacheInspector.Listing) -> String {
        var lines = [("cache", identifier(file)), ("key", key(file)), ("file", TerminalText.clean(file.file))]
        if let value = file.value {
            lines += [
                ("size", "\(value.size) bytes"), ("age", duration(value.age)), ("expires after", expiry(value.expire)),
                ("made", Timestamp.format(value.produced.milliseconds)), ("load took", duration(value.loadTime)),
                ("generation", "\(value.generation)"), ("loads", "\(value.loads)"), ("codec", "\(value.codec)"),
                ("plugin build", TerminalText.clean(value.build)),
            ]
        }
        lines.append(("state", state(file)))
        return lines.map { TerminalText.pad($0.0, to: 14) + $0.1 + "\n" }.joined()
    }

    private static func identifier(_ file: CacheInspector.Listing) -> String {
        let owner = file.routine == CacheCommandOptions.shared ? file.plugin : "\(file.plugin)/\(file.routine)"
        return TerminalText.clean("\(owner) \(file.name)")
    }

    private static func key(_ file: CacheInspector.Listing) -> String {
        TerminalText.cut(TerminalText.clean(String(decoding: file.key, as: UTF8.self)), to: 40)
    }

    private static func state(_ file: CacheInspector.Listing) -> String {
        if let flaw = file.flaw { return file.isOther ? flaw : "corrupt: \(TerminalText.clean(flaw))" }
        return file.value?.isExpired == true ? "expired" : "good"
    }

    private static func duration(_ nanoseconds: Int64?) -> String {
        nanoseconds.map { DurationText.format(milliseconds: $0 / 1_000_000) } ?? "unknown"
    }

    private static func expiry(_ nanoseconds: Int64) -> String { nanoseconds == .max ? "never" : duration(nanoseconds) }

    private static func size(_ bytes: Int) -> String {
        let units = ["B", "KiB", "MiB", "GiB"]
        var value = Double(bytes)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(bytes) B" : "\((value * 10).rounded() / 10) \(units[unit])"
    }

    /// The fields of a value in the order of their names, each as JSON.
    private static func fields(_ file: CacheInspector.Listing) -> [(name: String, json: String)] {
        func text(_ text: String) -> String {
            var writer = JSONWriter()
            writer.item(text: text)
            return String(decoding: writer.bytes, as: UTF8.self)
        }
        func number(_ number: Double) -> String { "\(number)".hasSuffix(".0") ? "\(Int64(number))" : "\(number)" }
        let value = file.value
        let expire = value.flatMap { $0.expire == .max ? nil : Double($0.expire) / 1e9 }
        let all: [(name: String, json: String?)] = [
            ("age_seconds", value?.age.map { number(Double($0) / 1e9) }), ("build", value.map { text($0.build) }),
            ("codec", value.map { "\($0.codec)" }), ("expire_seconds", expire.map(number)), ("file", text(file.file)),
            ("flaw", file.flaw.map(text)), ("generation", value.map { "\($0.generation)" }),
            ("is_expired", value.map { "\($0.isExpired)" }), ("key", text(String(decoding: file.key, as: UTF8.self))),
            ("load_ms", value.map { number(Double($0.loadTime) / 1e6) }), ("loads", value.map { "\($0.loads)" }),
            ("name", text(file.name)), ("plugin", text(file.plugin)),
            ("produced_ms", value.map { "\($0.produced.milliseconds)" }), ("routine", text(file.routine)),
            ("size", value.map { "\($0.size)" }),
        ]
        return all.compactMap { field in field.json.map { (field.name, $0) } }
    }

    private static func json(_ files: [CacheInspector.Listing]) -> String {
        let values = files.map { file in
            "  {\n" + fields(file).map { "    \"\($0.name)\" : \($0.json)" }.joined(separator: ",\n") + "\n  }"
        }
        return TerminalText.cleanJSON("[\n" + values.joined(separator: ",\n") + "\n]") + "\n"
    }
}
