import Foundation

/// What the plugin `exclusive` writes on all hosts: which cycle began when and where, and what should not have been.
final class CycleLog {
    /// A cycle that has begun.
    struct Cycle {
        let host: String
        let pid: pid_t
        let token: UInt64
        /// The boot clock, s.
        let time: Double
    }

    let path: String
    /// The cycles that were read, until `forget`.
    private(set) var cycles: [Cycle] = []
    /// Lines of sessions or cycles beside others.
    private(set) var overlaps: [String] = []
    /// Lines whose token is less than one before them.
    private(set) var regressions: [String] = []
    /// How many of both there were that have to be borne: those until a certain time, s.
    private(set) var borne = 0
    var bearsUntil = 0.0
    private(set) var last: Cycle?
    /// When the last cycle of each host ended, on the boot clock, s.
    private(set) var ends: [String: Double] = [:]
    private var largest: UInt64 = 0
    private var read = 0
    private var rest: [UInt8] = []

    init(_ path: String) { self.path = path }

    /// All but the last one.
    func forget() { cycles = cycles.suffix(1) }

    /// Reads what has come since.
    func look() {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        if file < 0 { return }
        defer { close(file) }
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let size = pread(file, &piece, piece.count, off_t(read))
            if size <= 0 { return }
            read += size
            rest += piece[..<size]
            var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            rest = Array(lines.removeLast())
            for line in lines { take(String(decoding: line, as: UTF8.self)) }
        }
    }

    private func take(_ line: String) {
        let words = line.split(separator: " ")
        guard words.count == 5, let token = UInt64(words[1]), let pid = pid_t(words[3]), let ns = Double(words[4])
        else {
            overlaps.append("a line that nobody writes: \(line)")
            return
        }
        let isBorne = ns / 1e9 < bearsUntil
        let cycle = Cycle(host: String(words[2]), pid: pid, token: token, time: ns / 1e9)
        switch words[0] {
        case "session": break
        case "end": ends[String(words[2])] = ns / 1e9
        case "start":
            if token < largest {
                if isBorne { borne += 1 } else { regressions.append("\(line), after token \(largest)") }
            }
            largest = max(largest, token)
            last = cycle
            cycles.append(cycle)
        default:
            guard isBorne else { return overlaps.append(line) }
            borne += 1
            if words[0] == "overlap" { cycles.append(cycle) }
        }
    }

    /// Awaits a cycle that began after that time and is as wanted.
    func await(
        _ what: String, after time: Double, within seconds: Double, _ isWanted: (Cycle) -> Bool = { _ in true }
    ) throws -> Cycle {
        let deadline = bootSeconds() + seconds
        while true {
            look()
            if let found = cycles.first(where: { $0.time > time && isWanted($0) }) { return found }
            if bootSeconds() > deadline { throw Trouble("\(what): not within \(seconds) s") }
            usleep(3000)
        }
    }

    /// The longest time without the begin of a cycle, s, from the last one before `time` on.
    func longestGap(since time: Double) -> Double {
        let from = cycles.lastIndex { $0.time <= time } ?? 0
        return zip(cycles.dropFirst(from), cycles.dropFirst(from + 1)).map { $1.time - $0.time }.max() ?? 0
    }
}
