internal import HostValues
public import HostWire

/// The live table of `schedhost top`: its state between two refreshes, and its rendering. Pure.
public struct TopScreen: Sendable {
    /// The sort keys of the rows.
    public enum Key: String, CaseIterable, Sendable {
        case id, state, cycles, took, p99, late, missed, failed, cpu
    }

    /// The sort key: `id` sorts ascending, the other keys descending.
    public var key: Key
    private var isReversed = false
    private var offset = 0
    private var status: HostStatus?
    private var trends: [String: Trend] = [:]
    private var usage: [Int32: (cpuMs: UInt64, uptimeMs: Int64, percent: Double)] = [:]
    private static let trendLength = 30

    private struct Trend {
        var values: [UInt64] = []
        var cycles: UInt64 = 0
        var time: UInt64 = 0
        /// Cycles since the previous status.
        var fresh: UInt64 = 0
    }

    /// Creates a screen without a status.
    public init(key: Key = .id) { self.key = key }

    /// The effect of a key press.
    public enum Command: Equatable, Sendable {
        case none, quit
    }

    /// Handles typed bytes: `q` quits, `s` and `S` change the sort key, `r` reverses the order; the arrows, `j` and `k`
    /// scroll.
    public mutating func type(_ bytes: [UInt8]) -> Command {
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "q"), UInt8(ascii: "Q"): return .quit
            case UInt8(ascii: "s"): turnKey(by: 1)
            case UInt8(ascii: "S"): turnKey(by: Key.allCases.count - 1)
            case UInt8(ascii: "r"): isReversed.toggle()
            case UInt8(ascii: "j"): scroll(1)
            case UInt8(ascii: "k"): scroll(-1)
            case 0x1B where rest.first == UInt8(ascii: "["):
                let code = rest.dropFirst().first
                rest = rest.dropFirst(2)
                switch code {
                case UInt8(ascii: "A"): scroll(-1)
                case UInt8(ascii: "B"): scroll(1)
                case UInt8(ascii: "5"): scroll(-10)
                case UInt8(ascii: "6"): scroll(10)
                default: break
                }
            default: break
            }
        }
        return .none
    }

    private mutating func turnKey(by step: Int) {
        let keys = Key.allCases
        key = keys[((keys.firstIndex(of: key) ?? 0) + step) % keys.count]
        isReversed = false
    }

    private mutating func scroll(_ lines: Int) {
        offset = max(0, min(offset + lines, (status?.routines.count ?? 1) - 1))
    }

    /// Takes the next status, and updates trends and processor usage.
    public mutating func take(_ status: HostStatus) {
        self.status = status
        var known: [String: Trend] = [:]
        for routine in status.routines {
            var trend = trends[routine.identifier] ?? Trend(cycles: routine.cyclesTotal, time: routine.durationTotalNs)
            trend.fresh = routine.cyclesTotal &- min(trend.cycles, routine.cyclesTotal)
            if trend.fresh > 0 {
                let time = routine.durationTotalNs &- min(trend.time, routine.durationTotalNs)
                trend.values.append(time / trend.fresh)
                if trend.values.count > Self.trendLength { trend.values.removeFirst() }
            }
            trend.cycles = routine.cyclesTotal
            trend.time = routine.durationTotalNs
            known[routine.identifier] = trend
        }
        trends = known
        usage = status.workers.reduce(into: [:]) { usage, worker in
            let cpu = worker.cpuMs ?? 0
            let before = self.usage[worker.pid] ?? (0, 0, 0)
            let time = worker.uptimeMs.clampedMinus(before.uptimeMs)
            let percent = time > 0 ? Double(cpu &- min(before.cpuMs, cpu)) * 100 / Double(time) : before.percent
            usage[worker.pid] = (cpu, worker.uptimeMs, percent)
        }
        scroll(0)
    }

    // MARK: Rendering

    /// The next frame: at most `rows` lines, none wider than the terminal.
    ///
    /// It overwrites the previous frame and erases what remains of that.
    public func frame(columns: Int, rows: Int, isColored: Bool) -> String {
        let width = max(20, columns)
        guard let status else { return "\u{1B}[H\u{1B}[K\u{1B}[J" }
        var lines = [TerminalText.cut(StatusTable.head(status), to: width)]
        let hint = "sorted by \(key.rawValue)\(isReversed ? ", reversed" : "")   s sort  r reverse  ↑↓ scroll  q quit"
        lines.append(TerminalText.cut(hint, to: width))
        let table = table(status, width: width, rows: max(1, rows - 4))
        var text = "\u{1B}[H"
        for line in lines { text += line + "\u{1B}[K\r\n" }
        text += "\u{1B}[K\r\n"
        for (index, line) in table.enumerated() {
            let look: LineStyle = index == 0 ? .heading : .of(line.state)
            text += isColored ? look.around(line.text) : line.text
            text += "\u{1B}[K" + (index == table.count - 1 ? "" : "\r\n")
        }
        return text + "\u{1B}[J"
    }

    private func table(_ status: HostStatus, width: Int, rows: Int) -> [(text: String, state: RoutineStatus.State)] {
        let sorted = sorted(status.routines)
        let shown = sorted.dropFirst(min(offset, max(0, sorted.count - rows))).prefix(rows)
        let workers = Dictionary(status.workers.map { ($0.pid, $0) }) { first, _ in first }
        let cells = shown.map { routine in
            var cells = StatusTable.cells(routine, workers, now: status.nowMs)
            cells[.cpu] = routine.worker.flatMap { usage[$0] }.map {
                let tenths = Int(min($0.percent * 10 + 0.5, 1e15))
                return "\(tenths / 10).\(tenths % 10)%"
            }
            return cells
        }
        let trendWidth = width >= 100 ? Self.trendLength : 10
        let fitting = StatusTable.fitting(cells, width - trendWidth - 2)
        var lines = [
            (
                StatusTable.plainLine(fitting) { $0.rawValue } + "  " + TerminalText.cut("DURATIONS", to: trendWidth),
                RoutineStatus.State.idle
            )
        ]
        for (routine, row) in zip(shown, cells) {
            let trend = Self.sparkline(trends[routine.identifier]?.values.suffix(trendWidth) ?? [])
            lines.append((StatusTable.plainLine(fitting) { row[$0] ?? "" } + "  " + trend, routine.state))
        }
        return lines
    }

    /// The routines in the order of display.
    public func sorted(_ routines: [RoutineStatus]) -> [RoutineStatus] {
        func number(_ routine: RoutineStatus) -> Double {
            switch key {
            case .id, .state: 0
            case .cycles: Double(trends[routine.identifier]?.fresh ?? 0)
            case .took: Double(routine.lastDurationNs ?? -1)
            case .p99: Double(routine.durations.quantile(0.99) ?? -1)
            case .late: Double(routine.lateness.quantile(0.99) ?? -1)
            case .missed: Double(routine.missedTotal)
            case .failed: Double(routine.failuresTotal)
            case .cpu: routine.worker.flatMap { usage[$0]?.percent } ?? -1
            }
        }
        let keyed = routines.map { (routine: $0, number: number($0)) }
        let ordered = keyed.sorted { a, b in
            if key == .state, a.routine.state != b.routine.state {
                return a.routine.state.rawValue < b.routine.state.rawValue
            }
            if a.number != b.number { return a.number > b.number }
            return NaturalOrder.precedes(a.routine.identifier, b.routine.identifier)
        }
        .map(\.routine)
        return isReversed ? ordered.reversed() : ordered
    }

    /// A line of bars, each as high as its value in proportion to the greatest one.
    static func sparkline(_ values: some Collection<UInt64>) -> String {
        let bars: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
        let greatest = Double(max(values.max() ?? 1, 1))
        return String(values.map { bars[min(7, Int(Double($0) / greatest * 7.999))] })
    }
}
