internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// What one worker prints, as lines for the log: so many at once, then so many a second; the last ones before its death in any
/// case.
///
/// Once a line was dropped, the rest of what came with it is only counted: to make lines of a flood costs more than to show
/// a few of them.
struct WorkerOutput {
    /// What is to be told, in order.
    enum Told: Equatable {
        case line(isError: Bool, String)
        case flood(FloodWatch.News)
    }

    private static let longestLine = 8192
    /// Lines of a flood that are kept for the death that may come, and their bytes at most.
    private static let lastLines = 20
    private static let lastBytes = 4096

    private let hasReports: Bool
    private var splitters = [LineSplitter(limit: longestLine), LineSplitter(limit: longestLine)]
    /// 200 lines a second for long.
    private var budget = LineBudget(atOnce: 1000, perSecond: 200)
    private var flood = FloodWatch()
    private var tails: [[String]] = [[], []]
    /// What it wrote to standard error last.
    private(set) var words = LastWords()

    /// Nothing was printed. `hasReports`: whether what the backtracer prints itself is in a report too.
    init(hasReports: Bool) { self.hasReports = hasReports }

    /// What a read is charged of a processor, ns, which took so much of it: that and a turn of the loop, but not much more than
    /// so many bytes and told lines take as a rule. Where all takes many times as long, as without optimisation, a plugin that
    /// prints much would wait for minutes.
    static func charge(_ took: Int64, bytes: Int, lines: Int) -> Int64 {
        20_000 + min(took, 40_000 + 2 * Int64(bytes) + 60_000 * Int64(lines))
    }

    /// When `look` is due.
    var nextCheck: MonotonicTime? { flood.nextCheck }

    /// Takes the next bytes of one of its streams.
    mutating func take(_ bytes: [UInt8], isError: Bool, at now: MonotonicTime) -> [Told] {
        let index = isError ? 1 : 0
        var told: [Told] = []
        var start = 0
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            var line: LineSplitter.Line?
            splitters[index].take(bytes[start...end]) { line = $0 }
            start = end + 1
            guard let line, !show(line, isError: isError, at: now, &told) else { continue }
            drop(bytes[start...], isError: isError, at: now, &told)
            return told
        }
        // No line ends there, but one that is too long is cut.
        var cut: LineSplitter.Line?
        splitters[index].take(bytes[start...]) { cut = $0 }
        if let cut { _ = show(cut, isError: isError, at: now, &told) }
        return told
    }

    /// Whether there is room for a line.
    private mutating func show(
        _ line: LineSplitter.Line, isError: Bool, at now: MonotonicTime, _ told: inout [Told]
    ) -> Bool {
        let text: String
        switch line {
        case .whole(let bytes): text = String(decoding: bytes, as: UTF8.self)
        case .cut(let bytes): text = String(decoding: bytes, as: UTF8.self) + "…"
        }
        // The backtracer's own lines: what it found is in the record.
        if isError, hasReports, text.isEmpty || text.hasPrefix("*** Signal ") { return true }
        if isError { words.add(text, at: now) }
        guard budget.spend(bytes: text.utf8.count, at: now).isAllowed else {
            keep([text], isError: isError)
            if let news = flood.drop(1, at: now) { told.append(.flood(news)) }
            return false
        }
        tails[isError ? 1 : 0] = []
        told.append(.line(isError: isError, text))
        return true
    }

    /// Counts what is left of a read, and keeps the last of it.
    private mutating func drop(
        _ bytes: ArraySlice<UInt8>, isError: Bool, at now: MonotonicTime, _ told: inout [Told]
    ) {
        var rest = bytes
        if let end = bytes.lastIndex(of: UInt8(ascii: "\n")) {
            let lines = bytes[...end]
            if let news = flood.drop(count(of: UInt8(ascii: "\n"), in: lines), at: now) { told.append(.flood(news)) }
            let last = lines.dropLast().suffix(Self.lastBytes).split(separator: UInt8(ascii: "\n"))
                .suffix(Self.lastLines).map { String(decoding: $0, as: UTF8.self) }
            keep(last, isError: isError)
            if isError { for text in last.suffix(4) { words.add(text, at: now) } }
            rest = bytes[(end + 1)...]
        }
        // A line that has begun goes on in what is read next.
        splitters[isError ? 1 : 0].take(rest) { _ in }
    }

    private mutating func keep(_ lines: [String], isError: Bool) {
        let index = isError ? 1 : 0
        tails[index] = Array((tails[index] + lines).suffix(Self.lastLines))
    }

    /// The time of `nextCheck` may have come.
    mutating func look(at now: MonotonicTime) -> [Told] { flood.look(at: now).map { [.flood($0)] } ?? [] }

    /// It is dead, and nothing comes any more: a last line without its end, and the last ones of a flood.
    mutating func finish(at now: MonotonicTime) -> [Told] {
        var told: [Told] = []
        for (index, isError) in [false, true].enumerated() {
            if let rest = splitters[index].finish() { _ = show(rest, isError: isError, at: now, &told) }
        }
        if let news = flood.finish() { told.append(.flood(news)) }
        for (index, isError) in [false, true].enumerated() {
            told += tails[index].map { .line(isError: isError, $0) }
            tails[index] = []
        }
        return told
    }
}
