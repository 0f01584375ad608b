public import HostValues

/// A bounded in-memory log with the last lines of each subject: what the routine logged, what its plugin printed, and
/// what the host logged about it. It serves `logs`, and the record of a failed session. Pure.
///
/// There is a bound for each subject and one for all together. A subject that logs much first evicts its own lines.
public struct FlightRecorder: Sendable {
    /// The maximum size of one subject's lines, in bytes.
    public static let mostOfOne = 64 << 10
    /// The maximum size of all lines together, in bytes.
    public static let mostOfAll = 32 << 20
    /// The maximum length of a text, in bytes; a longer one is cut.
    public static let longest = 4096

    private struct Track {
        var lines: [LogLine] = []
        /// The index of the oldest line that is kept; the lines before it are evicted.
        var first = 0
        var size = 0
        var count: UInt64 = 0

        /// The approximate size in memory, in bytes, of a track without lines.
        static func overhead(of subject: String) -> Int { subject.utf8.count + 160 }

        /// Evicts the oldest line and returns its size.
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

    /// Creates a recorder without lines.
    public init(mostOfAll: Int = Self.mostOfAll) { self.mostOfAll = mostOfAll }

    /// Appends a line that was logged at `ms` since 1970, UTC.
    public mutating func add(_ level: LogLevel, _ subject: String, _ text: String, ms: Int64) {
        newest += 1
        let number = newest
        if tracks[subject] == nil { size += Track.overhead(of: subject) }
        size += Self.add(
            LogLine(
                number: number, ordinal: 0, ms: ms, level: level, subject: subject,
                text: String(text.cut(to: Self.longest))), to: &tracks[subject, default: Track()])
        if size > mostOfAll { trim() }
    }

    /// Appends a line to a track and returns by how many bytes the track has grown.
    private static func add(_ line: LogLine, to track: inout Track) -> Int {
        track.count += 1
        track.lines.append(line)
        track.lines[track.lines.count - 1].ordinal = track.count
        track.size += line.size
        var growth = line.size
        while track.size > mostOfOne { growth -= track.removeFirst() }
        return growth
    }

    /// Evicts the older half of all lines. Since many lines go at once, the cost for each added line is constant.
    ///
    /// A subject goes with its last line: those of plugins that are gone would fill the memory of a host that runs for months
    /// beside a build with ever new names. Should it come back, its lines are counted from 1 again.
    private mutating func trim() {
        let oldest = tracks.values.reduce(newest) { min($0, $1.kept.first?.number ?? newest) }
        let cut = oldest + (newest - oldest) / 2
        for subject in tracks.keys {
            while let line = tracks[subject]?.kept.first, line.number <= cut {
                size -= tracks[subject]?.removeFirst() ?? 0
            }
            if tracks[subject]?.kept.isEmpty == true {
                tracks[subject] = nil
                size -= Track.overhead(of: subject)
            }
        }
    }

    /// The subjects that have lines.
    public var subjects: some Collection<String> { tracks.keys }

    /// The lines that `query` selects, of the subjects that `isMeant` accepts, oldest first.
    public func lines(_ query: LogQuery, where isMeant: (String) -> Bool) -> [LogLine] {
        Self.lines(query, of: tracks.filter { isMeant($0.key) }.values)
    }

    /// The lines that `query` selects, of these subjects, oldest first. The number of other subjects does not matter.
    public func lines(_ query: LogQuery, of subjects: [String]) -> [LogLine] {
        Self.lines(query, of: Set(subjects).compactMap { tracks[$0] })
    }

    private static func lines(_ query: LogQuery, of tracks: some Sequence<Track>) -> [LogLine] {
        var chosen: [LogLine] = []
        for track in tracks {
            for line in track.kept.reversed() {
                if line.number <= query.after { break }
                if line.level >= query.level { chosen.append(line) }
            }
        }
        chosen.sort { $0.number < $1.number }
        // A reader that continues from `after` needs the lines that come next, rather than the newest ones.
        return query.after > 0 ? Array(chosen.prefix(query.last)) : chosen.suffix(query.last)
    }

    /// The last lines before a routine's session ended: its own and those of its plugin, because a plugin's printed
    /// output does not say which routine it comes from.
    public func last(_ count: Int, of routine: String, in plugin: String) -> [LogLine] {
        var query = LogQuery()
        query.last = count
        return lines(query, of: [routine, plugin])
    }
}

extension LogLine {
    /// The approximate size in memory, in bytes.
    fileprivate var size: Int { text.utf8.count + 96 }
}
