internal import HostValues
public import HostWire

/// Formats the status for people. Pure.
public enum StatusTable {
    /// The line of the host, the plugins with errors, the configurations that are refused beside them, and a table of the routines.
    ///
    /// With a width, the least important columns are omitted until the table fits. Without one (output into a pipe) all
    /// are shown.
    public static func text(_ status: HostStatus, width: Int? = nil, isColored: Bool = false) -> String {
        func look(_ look: LineStyle, _ line: String) -> String { (isColored ? look.around(line) : line) + "\n" }
        var text = head(status) + "\n"
        for plugin in status.plugins where plugin.why != nil {
            text += look(.bad, TerminalText.clean("\(plugin.file) is \(plugin.state): \(plugin.why ?? "")"))
        }
        for refused in status.refusedConfigurations where refused.keepsFormer {
            text += look(.bad, TerminalText.clean(refused.text))
        }
        if status.routines.isEmpty { return text + "no routines\n" }
        let usage = Dictionary(status.workers.map { ($0.pid, $0) }) { first, _ in first }
        let rows = status.routines.map { cells($0, usage, now: status.nowMs) }
        let shown = fitting(rows, width)
        text += "\n" + look(.heading, line(shown) { $0.rawValue })
        for (row, routine) in zip(rows, status.routines) {
            text += look(.of(routine.state), line(shown) { row[$0] ?? "" })
            if let why = explanation(routine, now: status.nowMs) {
                let line = "    " + TerminalText.cut(TerminalText.clean(why), to: (width ?? 500) - 4)
                text += look(.of(routine.state), line)
            }
        }
        return text
    }

    /// Why a routine does not run normally, with the number of failures and the time since the first; nil if there is
    /// no reason.
    static func explanation(_ routine: RoutineStatus, now: Int64) -> String? {
        guard let why = routine.why else { return nil }
        guard let since = routine.failingSinceMs else { return why }
        let often = routine.failuresInRow == 1 ? "once" : "\(routine.failuresInRow) times"
        return "failed \(often) in \(DurationText.short(milliseconds: now.clampedMinus(since))): \(why)"
    }

    /// The host's version, process id, uptime and numbers of plugins, routines and workers, in one line.
    public static func head(_ status: HostStatus) -> String {
        func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }
        var parts = [
            "schedhost \(status.version), pid \(status.pid)",
            "up \(DurationText.format(milliseconds: status.uptimeMs))",
            count(status.plugins.filter { $0.state == "ready" }.count, "plugin"),
            count(status.routines.count, "routine"), count(status.workers.count, "worker"),
        ]
        let refused = status.plugins.count { $0.state == "refused" }
        if refused > 0 { parts.append("\(refused) refused") }
        let mistakes = status.refusedConfigurations.count { $0.keepsFormer }
        if mistakes > 0 { parts.append(count(mistakes, "refused configuration")) }
        if status.isStopping { parts.append("stopping") }
        return parts.joined(separator: ", ")
    }

    enum Column: String, CaseIterable {
        case id = "ROUTINE"
        case state = "STATE"
        case cycle = "CYCLE"
        case last = "LAST"
        case next = "NEXT"
        case took = "TOOK"
        case p50 = "P50"
        case p99 = "P99"
        case late50 = "LATE P50"
        case late99 = "LATE P99"
        case missed = "MISSED"
        case failed = "FAILED"
        case restarts = "RESTARTS"
        case cache = "HITS/LOADS"
        case worker = "WORKER"
        case memory = "MEMORY"
        case cpu = "CPU"

        /// The order in which columns are omitted for lack of room: the greatest number first, 0 never.
        var dispensability: Int {
            switch self {
            case .id, .state: 0
            case .cycle: 1
            case .next: 2
            case .p99: 3
            case .failed: 4
            case .last: 5
            case .missed: 6
            case .restarts: 7
            case .late99: 8
            case .took: 9
            case .worker: 10
            case .memory: 11
            case .cache: 12
            case .cpu: 13
            case .p50: 14
            case .late50: 15
            }
        }

        var isNumber: Bool { self != .id && self != .state }
    }

    /// The columns that fit into `width`, with the width of each.
    static func fitting(_ rows: [[Column: String]], _ width: Int?) -> [(column: Column, width: Int)] {
        var shown = Column.allCases.map { column in
            let least = TerminalText.width(column.rawValue)
            return (column: column, width: rows.reduce(least) { max($0, TerminalText.width($1[column] ?? "")) })
        }
        guard let width else { return shown }
        while shown.reduce(0, { $0 + $1.width + 2 }) - 2 > width,
            let next = shown.max(by: { $0.column.dispensability < $1.column.dispensability }),
            next.column.dispensability > 0
        {
            shown.removeAll { $0.column == next.column }
        }
        if shown.count == 2, shown[0].width + shown[1].width + 2 > width {
            shown[0].width = max(8, width - shown[1].width - 2)
        }
        return shown
    }

    private static func line(_ shown: [(column: Column, width: Int)], _ cell: (Column) -> String) -> String {
        var text = plainLine(shown, cell)
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }

    /// A line in which each cell is padded or cut to the width of its column.
    static func plainLine(_ shown: [(column: Column, width: Int)], _ cell: (Column) -> String) -> String {
        let cells = shown.map { column, width in
            TerminalText.pad(TerminalText.cut(cell(column), to: width), to: width, isNumber: column.isNumber)
        }
        return cells.joined(separator: "  ")
    }

    /// The texts of all columns for a routine.
    static func cells(_ routine: RoutineStatus, _ usage: [Int32: HostStatus.Worker], now: Int64) -> [Column: String] {
        var cells: [Column: String] = [
            .id: TerminalText.clean(routine.identifier), .state: state(routine), .cycle: cycle(routine),
            .missed: "\(routine.missedTotal)", .failed: "\(routine.failuresTotal)", .restarts: "\(routine.restarts)",
            .cache: "\(routine.cache.hits)/\(routine.cache.loads)",
            .last: routine.lastStartMs.map { ago(now.clampedMinus($0)) } ?? "-",
            .next: next(routine, now: now),
            .took: routine.lastDurationNs.map { DurationText.measured(nanoseconds: $0) } ?? "-",
            .p50: routine.durations.quantile(0.5).map { DurationText.measured(nanoseconds: $0) } ?? "-",
            .p99: routine.durations.quantile(0.99).map { DurationText.measured(nanoseconds: $0) } ?? "-",
            .late50: routine.lateness.quantile(0.5).map { DurationText.measured(nanoseconds: $0) } ?? "-",
            .late99: routine.lateness.quantile(0.99).map { DurationText.measured(nanoseconds: $0) } ?? "-",
            .worker: routine.worker.map { "\($0)" } ?? "-",
        ]
        if let worker = routine.worker.flatMap({ usage[$0] }) {
            cells[.memory] = worker.residentBytes.map { bytes($0) }
            cells[.cpu] = worker.cpuMs.map { milliseconds in
                let tenths = worker.uptimeMs > 0 ? min(milliseconds, 1 << 40) * 1000 / UInt64(worker.uptimeMs) : 0
                return "\(tenths / 10).\(tenths % 10)%"
            }
        }
        return cells
    }

    /// When the next cycle is due: the remaining time, or for a schedule its local time.
    private static func next(_ routine: RoutineStatus, now: Int64) -> String {
        guard let time = routine.nextStartMs else { return "-" }
        let rest = time.clampedMinus(now)
        if let local = routine.nextLocal, let text = LocalText.short(local, isSoon: rest < 6 * 86_400_000) {
            return text
        }
        return until(rest)
    }

    private static func state(_ routine: RoutineStatus) -> String {
        let word = routine.state == .backingOff ? "backing off" : routine.state.rawValue
        guard let phase = routine.phase, phase != "routine" else { return word }
        return "in \(phase)"
    }

    private static func cycle(_ routine: RoutineStatus) -> String {
        routine.maxCycles > 0 ? "\(routine.cycle)/\(routine.maxCycles)" : "\(routine.cycle)"
    }

    private static func ago(_ milliseconds: Int64) -> String {
        milliseconds < 1000 ? "now" : "\(DurationText.short(milliseconds: milliseconds)) ago"
    }

    private static func until(_ milliseconds: Int64) -> String {
        milliseconds < 1000 ? "now" : "in \(DurationText.short(milliseconds: milliseconds))"
    }

    /// An amount of memory, such as `12.3M`, in units of powers of 1024.
    static func bytes(_ count: UInt64) -> String {
        var value = Double(count)
        var unit = 0
        let names = ["B", "K", "M", "G", "T"]
        while value >= 1024, unit < names.count - 1 {
            value /= 1024
            unit += 1
        }
        let tenths = UInt64(value * 10)
        return unit == 0 || tenths >= 1000
            ? "\(tenths / 10)\(names[unit])" : "\(tenths / 10).\(tenths % 10)\(names[unit])"
    }
}
