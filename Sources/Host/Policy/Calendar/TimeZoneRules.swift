/// How far a zone's clocks are ahead of UTC, from some time on.
///
/// Made from the content of a TZif file, or from a rule in the language of the `TZ` variable. Holds the changes that are
/// written down from about a year before it was made, each in 8 bytes, and the rule for all later years; those at the
/// end that the rule says too are left out. At most 2 KB.
public struct TimeZoneRules: Equatable, Sendable {
    /// A stretch of time in which the offset does not change.
    struct Stretch: Equatable {
        /// When it begins; the least number if that is unknown.
        var start: Int64
        /// The first second after it.
        var end: Int64
        /// Seconds ahead of UTC.
        var offset: Int64
        /// The same just before it.
        var before: Int64
    }

    /// How many changes are kept: 1920 bytes.
    static let mostChanges = 240
    /// Changes beyond this are in no calendar, and have no room.
    static let farthest: Int64 = 1 << 44

    private let changes: [Change]
    /// The offset before the first of them.
    private let first: Int64
    /// The rule after the last of them; nil: the last offset stays.
    private let rule: PosixZone?
    /// From when on more changes are known than were kept; the rules must be made anew by then.
    public let horizon: Int64

    /// A time and the offset from then on, in one number: the order of the times is that of the numbers.
    struct Change: Equatable, Sendable {
        private let packed: Int64

        init(_ time: Int64, offset: Int64) { packed = time << 18 | (offset + 131_072) }

        var time: Int64 { packed >> 18 }
        var offset: Int64 { (packed & 0x3FFFF) - 131_072 }
    }

    /// Universal time.
    public static let utc = TimeZoneRules(changes: [], first: 0, rule: nil, horizon: .max)

    /// The zone of a rule such as `CET-1CEST,M3.5.0,M10.5.0/3`; nil if it is none.
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

    /// Seconds ahead of UTC at a time.
    public func offset(at time: Int64) -> Int64 { stretch(at: time).offset }

    /// The stretch that a time is in.
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

    /// A stretch of the rule, which begins no earlier than the last change that is written down.
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

    /// Bytes that a value holds beside itself.
    public var bytes: Int { changes.count * MemoryLayout<Change>.stride }
}
