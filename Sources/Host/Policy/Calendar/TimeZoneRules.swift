/// The offsets of a zone's clocks from UTC, from a certain time on.
///
/// Rules come from the content of a TZif file, or from a text in the notation of the `TZ` variable. They hold the
/// listed changes from about a year before their creation on, 8 bytes each, and a rule for all later years. Listed
/// changes at the end that the rule implies as well are omitted. The size is at most 2 KB.
public struct TimeZoneRules: Equatable, Sendable {
    /// The period between two changes, in which the offset is constant.
    struct Stretch: Equatable {
        /// When it begins; `Int64.min` if that is unknown.
        var start: Int64
        /// The first second after it.
        var end: Int64
        /// The offset, in seconds ahead of UTC.
        var offset: Int64
        /// The offset just before it.
        var before: Int64
    }

    /// The maximum number of changes that are kept, in 1920 bytes.
    static let mostChanges = 240
    /// The limit for times of changes: later ones are in no calendar, and do not fit into `Change`.
    static let farthest: Int64 = 1 << 44

    private let changes: [Change]
    /// The offset before the first change.
    private let first: Int64
    /// The rule after the last change; nil if the last offset remains.
    private let rule: PosixZone?
    /// The time from which on there are changes that were not kept; the rules must be created anew before then.
    public let horizon: Int64

    /// A time and the offset from then on, packed into one number that sorts by time.
    struct Change: Equatable, Sendable {
        private let packed: Int64

        init(_ time: Int64, offset: Int64) { packed = time << 18 | (offset + 131_072) }

        var time: Int64 { packed >> 18 }
        var offset: Int64 { (packed & 0x3FFFF) - 131_072 }
    }

    /// Coordinated Universal Time.
    public static let utc = TimeZoneRules(changes: [], first: 0, rule: nil, horizon: .max)

    /// Creates the zone of a rule such as `CET-1CEST,M3.5.0,M10.5.0/3`; nil if the text is not valid.
    public init?(posix text: String) {
        guard let zone = PosixZone(Array(text.utf8)) else { return nil }
        self.init(changes: [], first: zone.standard, rule: zone, horizon: .max)
    }

    init(changes: [Change], first: Int64, rule: PosixZone?, horizon: Int64) {
        self.changes = changes
        self.first = first
        self.rule = rule
        self.horizon = horizon
    }

    /// The offset at a time, in seconds ahead of UTC.
    public func offset(at time: Int64) -> Int64 { stretch(at: time).offset }

    /// The stretch that contains a time.
    func stretch(at time: Int64) -> Stretch {
        guard let last = changes.last, time < last.time else {
            let end =
                rule?.stretch(at: time)
                ?? Stretch(start: .min, end: .max, offset: changes.last?.offset ?? first, before: 0)
            return joined(end)
        }
        var (low, high) = (0, changes.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].time <= time { low = middle + 1 } else { high = middle }
        }
        let end = changes[low].time
        if low == 0 { return Stretch(start: .min, end: end, offset: first, before: first) }
        return Stretch(
            start: changes[low - 1].time, end: end, offset: changes[low - 1].offset,
            before: low > 1 ? changes[low - 2].offset : first)
    }

    /// A stretch of the rule, cut to begin no earlier than the last listed change.
    private func joined(_ stretch: Stretch) -> Stretch {
        var stretch = stretch
        if let last = changes.last {
            if stretch.start <= last.time {
                stretch.start = last.time
                stretch.before = changes.count > 1 ? changes[changes.count - 2].offset : first
            }
        } else if stretch.start == .min {
            stretch.before = stretch.offset
        }
        return stretch
    }

    /// The size of the heap storage in bytes.
    public var bytes: Int { changes.count * MemoryLayout<Change>.stride }
}
