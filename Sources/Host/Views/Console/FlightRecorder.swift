public import HostValues

/// The last lines of each routine: what it logged, what its plugin printed, and what the host said of it. For `logs`, and for
/// the record of a session that fails. Pure.
///
/// Bounded for each subject and for all together; whoever logs much pushes out his own lines first.
public struct FlightRecorder: Sendable {
    /// Bytes of a subject's lines.
    public static let mostOfOne = 64 << 10
    /// Bytes of all lines.
    public static let mostOfAll = 32 << 20
    /// Bytes of a text; more is cut.
    public static let longest = 4096

    private struct Track {
        var lines: [LogLine] = []
        /// Those before it are gone.
        var first = 0
        var size = 0
        var count: UInt64 = 0

        /// Takes out the oldest line; its size.
        mutating func removeFirst() -> Int {
            let size = lines[first].size
            self.size -= size
            first += 1
            if first * 2 >= lines.count {
                lines.removeFirst(first)
                first = 0
            }
            return size
        }

        var kept: ArraySlice<LogLine> { lines[first...] }
    }

    private var tracks: [String: Track] = [:]
    private var size = 0
    /// The number of the newest line.
    public private(set) var newest: UInt64 = 0
    private let mostOfAll: Int

    /// Nothing was said yet.
    public init(mostOfAll: Int = Self.mostOfAll) { self.mostOfAll = mostOfAll }

    /// Takes the next line, said at that time, UTC ms.
    public mutating func add(_ level: LogLevel, _ subject: String, _ text: String, ms: Int64) {
        newest += 1
        let number = newest
        size += Self.add(
            LogLine(
                number: number, ordinal: 0, ms: ms, level: level, subject: subject,
                text: String(text.cut(to: Self.longest))), to: &tracks[subject, default: Track()])
        if size > mostOfAll { trim() }
    }

    /// By how much the track has grown.
    private static func add(_ line: LogLine, to track: inout Track) -> Int {
        track.count += 1
        track.lines.append(line)
        track.lines[track.lines.count - 1].ordinal = track.count
        track.size += line.size
        var growth = line.size
        while track.size > mostOfOne { growth -= track.removeFirst() }
        return growth
    }

    /// Lets go of the older half of all lines, many at a time, so that a line costs no more than its own place.
    private mutating func trim() {
        let oldest = tracks.values.reduce(newest) { min($0, $1.kept.first?.number ?? newest) }
        let cut = oldest + (newest - oldest) / 2
        for subject in tracks.keys {
            while let line = tracks[subject]?.kept.first, line.number <= cut {
                size -= tracks[subject]?.removeFirst() ?? 0
            }
        }
    }

    /// Whose lines there are.
    public var subjects: some Collection<String> { tracks.keys }

    /// The lines of the subjects that are meant, oldest first.
    public func lines(_ query: LogQuery, where isMeant: (String) -> Bool) -> [LogLine] {
        var chosen: [LogLine] = []
        for (subject, track) in tracks where isMeant(subject) {
            for line in track.kept.reversed() {
                if line.number <= query.after { break }
                if line.level >= query.level { chosen.append(line) }
            }
        }
        chosen.sort { $0.number < $1.number }
        // Who goes on from where he was wants the next ones, and not the newest.
        return query.after > 0 ? Array(chosen.prefix(query.last)) : chosen.suffix(query.last)
    }

    /// The last lines before the end of a routine's session: its own, and its plugin's, which prints without saying for which
    /// routine.
    public func last(_ count: Int, of routine: String, in plugin: String) -> [LogLine] {
        var query = LogQuery()
        query.last = count
        return lines(query) { $0 == routine || $0 == plugin }
    }
}

extension LogLine {
    /// What it takes in memory, by and large.
    fileprivate var size: Int { text.utf8.count + 96 }
}
