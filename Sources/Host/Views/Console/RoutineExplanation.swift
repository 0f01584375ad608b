public import HostValues
public import HostWire

/// Explains why a routine is not running now: what it is doing or waiting for, since when, how its last session ended,
/// and what would change its state. Pure.
public struct RoutineExplanation: Equatable, Sendable {
    /// `plugin/routine`, or a plugin that has no routine.
    public let id: String
    /// Its state as one word, as in `status`.
    public let state: String
    /// The explanation, one sentence each.
    public let sentences: [String]

    /// Explains a routine at the moment of `status`. `last` is the record of its last session, if there is one.
    public init(_ routine: RoutineStatus, at status: HostStatus, last: SessionRecord?, zone: CivilTime.Zone = .local) {
        id = routine.identifier
        state = routine.state.rawValue
        let times = Times(now: status.nowMs, zone: zone)
        var sentences = status.isStopping ? ["The host is stopping: nothing begins any more."] : []
        sentences += Self.present(routine, times)
        if let last { sentences.append(Self.past(last, times)) }
        if let worker = status.workers.first(where: { $0.pid == routine.worker }), !worker.limits.isEmpty {
            sentences.append("Its worker has \(worker.limits.map(\.text).joined(separator: ", ")).")
        }
        sentences += Self.change(routine)
        sentences += Self.refusals(of: routine.plugin, at: status)
        self.sentences = sentences
    }

    /// Explains a plugin file that has no routines to show.
    public init(_ plugin: HostStatus.Plugin, at status: HostStatus) {
        id = plugin.id
        state = plugin.state
        sentences = Self.about(plugin) + Self.refusals(of: plugin.id, at: status)
    }

    private static func about(_ plugin: HostStatus.Plugin) -> [String] {
        switch plugin.state {
        case "refused":
            [
                "\(plugin.file) is refused: \(plugin.why ?? "").",
                "It is looked at again when the file or its configuration changes, and by schedhost reload.",
            ]
        case "loading": ["\(plugin.file) is being looked at: a worker reads what it offers."]
        default: ["\(plugin.file) is there and offers \(plugin.routines) routines."]
        }
    }

    /// The mistakes in configuration files that do not count yet: why an edit has changed nothing.
    private static func refusals(of plugin: String, at status: HostStatus) -> [String] {
        status.refusedConfigurations.filter { $0.keepsFormer && $0.concerns(plugin) }.map { refused in
            "\(refused.text.prefix(1).uppercased())\(refused.text.dropFirst())."
        }
    }

    /// The sentences as a paragraph.
    public var text: String { sentences.joined(separator: " ") }

    /// Writes the explanation as a JSON object.
    public func write(to writer: inout JSONWriter) {
        writer.open()
        writer.field("id", id)
        writer.field("state", state)
        writer.field("text", text)
        writer.close()
    }

    /// Formats points in time relative to now.
    private struct Times {
        let now: Int64
        let zone: CivilTime.Zone

        func ago(_ ms: Int64) -> String { "\(DurationText.format(milliseconds: max(0, now.clampedMinus(ms)))) ago" }
        func ahead(_ ms: Int64) -> String {
            "in \(DurationText.format(milliseconds: max(0, ms.clampedMinus(now)))), at "
                + CivilTime(seconds: ms / 1000, zone: zone).description
        }
    }

    // MARK: Current state

    private static func present(_ routine: RoutineStatus, _ times: Times) -> [String] {
        switch routine.state {
        case .running:
            let since = routine.lastStartMs.map { ", which began \(times.ago($0))" } ?? ""
            return ["It runs now: \(routine.phase ?? "routine") of cycle \(routine.cycle)\(since)."]
        case .waiting: return [waiting(routine, times)]
        case .paused: return ["A person has paused it; its session stays."]
        case .starting:
            return [
                "Its session was ordered and has not reached its first cycle: a worker starts, loads the plugin, or runs start."
            ]
        case .standby:
            return ["It runs on one host at a time, and not on this one now: \(routine.why ?? "its lease is awaited")."]
        case .ending: return ["Its session was asked to end, and a cycle in progress comes to its end first."]
        case .backingOff: return trouble(routine, "It has died or could not begin", "The next session begins", times)
        case .failing: return trouble(routine, "Its callbacks return errors", "It is tried again", times)
        case .quarantined:
            let probe = routine.nextStartMs.map { "It is tried once more \(times.ahead($0))." }
            return ["It is shut out: \(routine.why ?? "it failed too often")."]
                + [probe ?? "It is not tried again by itself."]
        case .stopped: return ["It was stopped, by a person or by its own hook, and stays so, also in the next host."]
        case .complete: return ["It is complete: \(bounds(routine))."]
        case .idle: return ["It has not started yet."]
        case .disabled: return ["It does not run, since its configuration says enabled: false."]
        }
    }

    private static func waiting(_ routine: RoutineStatus, _ times: Times) -> String {
        guard let next = routine.nextStartMs else {
            return
                "Cycle \(routine.cycle) waits for its turn: as many cycles as max_running allows are running, or none is due."
        }
        var text = "It waits for cycle \(routine.cycle), which is due \(times.ahead(next))"
        if routine.schedules.isEmpty {
            text += ": it runs each \(DurationText.format(milliseconds: Int64(clamping: routine.waitMs)))"
        } else {
            text += ", by its schedule \(routine.schedules.map { "\"\($0)\"" }.joined(separator: " or "))"
            if let local = routine.nextLocal, let zone = routine.zone { text += " (\(local) in \(zone))" }
        }
        return text + "."
    }

    private static func trouble(_ routine: RoutineStatus, _ what: String, _ then: String, _ times: Times) -> [String] {
        var text = what
        if let since = routine.failingSinceMs {
            let often = routine.failuresInRow == 1 ? "once" : "\(routine.failuresInRow) times in a row"
            text += ", \(often) in \(DurationText.format(milliseconds: max(0, times.now.clampedMinus(since))))"
        }
        if let why = routine.why { text += ": \(why)" }
        return [text + "."] + (routine.nextStartMs.map { ["\(then) \(times.ahead($0))."] } ?? [])
    }

    private static func bounds(_ routine: RoutineStatus) -> String {
        if let until = routine.untilMs { return "its sessions end at \(Timestamp.format(until))" }
        return routine.maxCycles > 0
            ? "its session may have \(routine.maxCycles) cycles" : "its session has ended by itself"
    }

    // MARK: Last session, and what would change the state

    private static func past(_ record: SessionRecord, _ times: Times) -> String {
        let cycles = "\(record.cycles) \(record.cycles == 1 ? "cycle" : "cycles")"
        var text =
            "Its last session (\(record.session)) ended \(times.ago(record.finishMs)) after \(cycles): "
            + RecordTable.reason(record.reason)
        if record.report != nil { text += "; schedhost records --show \(record.session) has its crash report" }
        return text + "."
    }

    private static func change(_ routine: RoutineStatus) -> [String] {
        let id = routine.identifier
        switch routine.state {
        case .running, .starting, .standby, .ending: return []
        case .waiting: return ["schedhost run-now \(id) lets the cycle come now."]
        case .paused: return ["schedhost resume \(id) lets it go on."]
        case .backingOff, .failing:
            return ["schedhost restart \(id) begins a session now; so does a change of its file or configuration."]
        case .quarantined: return ["schedhost resume \(id) lifts it; so does another version of its file."]
        case .stopped, .complete:
            return ["schedhost resume \(id) starts it again; so does a change of its file or configuration."]
        case .idle: return []
        case .disabled: return ["Take enabled: false out of its configuration, and it starts."]
        }
    }
}
