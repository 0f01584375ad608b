/// The reason why a file is not a valid time zone.
public enum TimeZoneError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file does not begin like a TZif file.
    case noZone
    /// The file is larger than any time zone file.
    case tooLong
    /// The file is shorter than its header states.
    case cutOff
    /// The file counts leap seconds, which the host does not support.
    case countsLeapSeconds
    /// The file has an impossible content.
    case damaged(String)

    /// The reason in one line, with the remedy.
    public var description: String {
        switch self {
        case .noZone: "it is no time zone file (TZif, RFC 9636)"
        case .tooLong: "it has over \(TimeZoneRules.mostBytes) bytes, so it is no time zone file"
        case .cutOff: "it is shorter than its header says: install tzdata again"
        case .countsLeapSeconds: "it counts leap seconds, as files under right/ do: name the zone without right/"
        case .damaged(let what): "\(what): install tzdata again"
        }
    }
}

extension TimeZoneRules {
    /// The maximum size of a time zone file in bytes; the largest real one has 4 KB.
    public static let mostBytes = 65_536

    /// Creates the rules that apply from a year before `time` on, from the content of a TZif file (RFC 9636).
    ///
    /// The content is not trusted: each count is checked against the length of the file before it is used.
    public init(file bytes: [UInt8], from time: Int64) throws(TimeZoneError) {
        if bytes.count > Self.mostBytes { throw .tooLong }
        var part = try Part(of: bytes, at: 0, width: 4)
        var rule: PosixZone?
        // From version 2 on, the same data follows again with longer numbers, and then a rule for later times.
        if part.version > 0 {
            part = try Part(of: bytes, at: part.end, width: 8)
            rule = try Self.footer(of: bytes, at: part.end)
        }
        if part.leapSeconds > 0 { throw .countsLeapSeconds }
        let (changes, first) = try part.changes()
        self.init(changes: changes, first: first, rule: rule, from: max(time, -Self.farthest) - 366 * 86_400)
    }

    /// Creates rules without changes that are long past, and without those that the rule implies.
    private init(changes all: [Change], first: Int64, rule: PosixZone?, from: Int64) {
        var all = all
        var first = first
        if let last = all.last, let rule {
            // From the last change on the rule applies, even if the file lists another offset for that change.
            all[all.count - 1] = Change(last.time, offset: rule.stretch(at: last.time).offset)
            while all.count > 1, Self.isImplied(all[all.count - 1], after: all[all.count - 2], by: rule) {
                all.removeLast()
            }
        }
        let past = all.prefix { $0.time < from }
        if let last = past.last {
            // Keeps the last change before `from`: it determines the offset until the next change. Its own previous
            // offset is kept too.
            first = past.count > 1 ? past[past.count - 2].offset : first
            all = [last] + all.dropFirst(past.count)
        }
        if let rule { Self.foresee(&all, by: rule, from: from) }
        let kept = all.prefix(Self.mostChanges)
        let hasAll = kept.count == all.count
        self.init(
            changes: Array(kept), first: first, rule: hasAll ? rule : nil,
            horizon: hasAll ? .max : all[kept.count].time)
    }

    /// Precomputes the changes that a rule implies for the next years, up to 2 KB: finding an offset in the list takes
    /// a fifth of the time.
    private static func foresee(_ changes: inout [Change], by rule: PosixZone, from: Int64) {
        var time = max(changes.last?.time ?? from, from)
        for _ in 0..<20 where changes.count < mostChanges {
            let end = rule.stretch(at: time).end
            if end >= farthest { return }
            changes.append(Change(end, offset: rule.stretch(at: end).offset))
            time = end
        }
    }

    /// Whether a rule implies this change, and no other change since the one before it.
    private static func isImplied(_ change: Change, after before: Change, by rule: PosixZone) -> Bool {
        let stretch = rule.stretch(at: change.time)
        let earlier = rule.stretch(at: change.time - 1)
        return stretch.start == change.time && stretch.offset == change.offset && earlier.offset == before.offset
            && earlier.start <= before.time
    }

    /// Reads the rule between two line breaks; nil if it is empty.
    private static func footer(of bytes: [UInt8], at start: Int) throws(TimeZoneError) -> PosixZone? {
        let newline = UInt8(ascii: "\n")
        guard start < bytes.count, bytes[start] == newline, let end = bytes[(start + 1)...].firstIndex(of: newline)
        else {
            throw .cutOff
        }
        if end == start + 1 { return nil }
        guard let rule = PosixZone(Array(bytes[(start + 1)..<end])) else {
            throw .damaged("its last line is no rule for later years")
        }
        return rule
    }

    /// One of the two data blocks of a file: a header with counts, followed by the numbers.
    private struct Part {
        static let headerBytes = 44

        let bytes: [UInt8]
        /// The size of a time value in bytes.
        let width: Int
        let version: UInt8
        let leapSeconds: Int
        private let times: Int
        private let types: Int
        private let body: Int
        /// The position of the end of the block.
        let end: Int

        init(of bytes: [UInt8], at start: Int, width: Int) throws(TimeZoneError) {
            guard bytes.count - start >= 4, bytes[start..<(start + 4)].elementsEqual("TZif".utf8) else { throw .noZone }
            if bytes.count - start < Self.headerBytes { throw .cutOff }
            self.bytes = bytes
            self.width = width
            version = bytes[start + 4]
            func count(_ index: Int) -> Int { Int(Self.number(bytes, start + 20 + 4 * index, 4) & 0xFFFF_FFFF) }
            leapSeconds = count(2)
            times = count(3)
            types = count(4)
            body = start + Self.headerBytes
            // Each count is less than 2^32, so the sum cannot overflow.
            let length =
                times * (width + 1) + types * 6 + count(5) + leapSeconds * (width + 4) + count(1) + count(0)
            if length > bytes.count - body { throw .cutOff }
            end = body + length
        }

        /// Reads a signed big-endian number of `width` bytes.
        private static func number(_ bytes: [UInt8], _ start: Int, _ width: Int) -> Int64 {
            let value = bytes[start..<(start + width)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return width == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
        }

        /// The times at which the offset changes, in order, with the offset before the first one.
        func changes() throws(TimeZoneError) -> ([Change], first: Int64) {
            if types == 0 { throw .damaged("it names no offset") }
            let indices = body + times * width
            let offsets = indices + times
            func offset(of type: Int) throws(TimeZoneError) -> Int64 {
                let offset = Self.number(bytes, offsets + 6 * type, 4)
                // RFC 9636, section 3.2.
                guard (-89_999...93_599).contains(offset) else { throw .damaged("it has an offset of \(offset) s") }
                return offset
            }
            var first = try offset(of: 0)
            var changes: [Change] = []
            var before = (time: Int64.min, offset: first)
            for index in 0..<times {
                let time = Self.number(bytes, body + index * width, width)
                if index > 0, time <= before.time { throw .damaged("its times are not in order") }
                let type = Int(bytes[indices + index])
                if type >= types { throw .damaged("it names an offset that it does not have") }
                let offset = try offset(of: type)
                if time <= -TimeZoneRules.farthest {
                    first = offset
                } else if time < TimeZoneRules.farthest, offset != before.offset {
                    changes.append(Change(time, offset: offset))
                }
                before = (time, offset)
            }
            return (changes, first)
        }
    }
}
