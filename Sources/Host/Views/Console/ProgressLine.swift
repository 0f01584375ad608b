internal import HostValues
public import HostWire

/// A terminal line with the progress of those routines that have an end. Pure.
public enum ProgressLine {
    /// The line, at most `width` cells wide; empty if no routine with an end runs.
    public static func text(_ routines: [RoutineStatus], nowMs: Int64, width: Int) -> String {
        let parts = routines.compactMap { part($0, nowMs: nowMs) }
        var text = ""
        for (index, part) in parts.enumerated() {
            let rest = parts.count - index - 1
            let next = text + (index == 0 ? "" : "  ") + part
            let more = rest > 0 ? "  +\(rest)" : ""
            if index > 0, TerminalText.width(next + more) > width {
                return TerminalText.cut(text + "  +\(rest + 1)", to: width)
            }
            text = next
        }
        return TerminalText.cut(text, to: width)
    }

    /// The text `plugin/routine 12/60 20 % 4m 00.0s left`; nil for a routine without an end or without a session.
    private static func part(_ routine: RoutineStatus, nowMs: Int64) -> String? {
        guard let start = routine.sessionStartMs, routine.maxCycles > 0 || routine.untilMs != nil else { return nil }
        var words = [TerminalText.clean(routine.identifier)]
        var left = Int64.max
        var share = 0.0
        if routine.maxCycles > 0 {
            words.append("\(routine.cycle)/\(routine.maxCycles)")
            share = Double(routine.cycle) / Double(routine.maxCycles)
            left = cyclesLeft(routine, elapsed: nowMs.clampedMinus(start))
        }
        if let until = routine.untilMs {
            let whole = Double(until.clampedMinus(start))
            let rest = max(0, until.clampedMinus(nowMs))
            if rest < left {
                left = rest
                share = max(share, whole > 0 ? 1 - Double(rest) / whole : 1)
            }
        }
        words.append("\(Int(min(max(share, 0), 1) * 100)) %")
        if left < Int64.max { words.append("\(DurationText.format(milliseconds: left / 1000 * 1000)) left") }
        return words.joined(separator: " ")
    }

    /// The estimated time for the remaining cycles in ms: by the rate so far, or before three cycles by the interval.
    private static func cyclesLeft(_ routine: RoutineStatus, elapsed: Int64) -> Int64 {
        let left = Double(routine.maxCycles > routine.cycle ? routine.maxCycles - routine.cycle : 0)
        let each = routine.cycle >= 3 ? Double(max(0, elapsed)) / Double(routine.cycle) : Double(routine.waitMs)
        let time = left * each
        return time < 1e15 ? Int64(time) : .max
    }
}
