/// Why a file is no zone.
public enum TimeZoneError: Error, Equatable, Sendable, CustomStringConvertible {
    /// It does not begin as a TZif file does.
    case noZone
    /// It is longer than any zone.
    case tooLong
    /// It is shorter than its header says.
    case cutOff
    /// It counts leap seconds.
    case countsLeapSeconds
    /// What it says cannot be.
    case damaged(String)

    /// One line, with the mend.
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
    /// Zone files are smaller: the largest has 4 KB.
    public static let mostBytes = 65_536

    /// The rules that hold from a year before `time` on, from the content of a TZif file (RFC 9636).
    ///
    /// The file may say anything: each count is compared with its length before it is believed.
    public init(file bytes: [UInt8], from time: Int64) throws(TimeZoneError) {
        if bytes.count > Self.mostBytes { throw .tooLong }
        var part = try Part(of: bytes, at: 0, width: 4)
        var rule: PosixZone?
        // Since version 2 the same comes again with longer numbers, and then a rule for what comes after.
        if part.version > 0 {
            part = try Part(of: bytes, at: part.end, width: 8)
            rule = try Self.footer(of: bytes, at: part.end)
        }
        if part.leapSeconds > 0 { throw .countsLeapSeconds }
        let (changes, first) = try part.changes()
        self.init(changes: changes, first: first, rule: rule, from: max(time, -Self.farthest) - 366 * 86_400)
    }

    /// Leaves out what is long past, and what the rule says too.
    private init(changes all: [Change], first: Int64, rule: PosixZone?, from: Int64) {
        var all = all
        var first = first
        if let last = all.last, let rule {
            // From the last change on the rule counts, whatever offset is written down for it.
            all[all.count - 1] = Change(last.time, offset: rule.stretch(at: last.time).offset)
            while all.count > 1, Self.isImplied(all[all.count - 1], after: all[all.count - 2], by: rule) {
                all.removeLast()
            }
        }
        let past = all.prefix { $0.time < from }
        if let last = past.last {
            // The last change before that stays: between it and the next one the offset is known, and what it was before.
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

    /// Writes down what a rule says of the next years, up to 2 KB: to look there takes a fifth of the time.
    private static func foresee(_ changes: inout [Change], by rule: PosixZone, from: Int64) {
        var time = max(changes.last?.time ?? from, from)
        for _ in 0..<20 where changes.count < mostChanges {
            let end = rule.stretch(at: time).end
            if end >= farthest { return }
            changes.append(Change(end, offset: rule.stretch(at: end).offset))
            time = end
        }
    }

    /// Whether a rule has this change, and none between the one before it and this.
    private static func isImplied(_ change: Change, after before: Change, by rule: PosixZone) -> Bool {
        let stretch = rule.stretch(at: change.time)
        let earlier = rule.stretch(at: change.time - 1)
        return stretch.start == change.time && stretch.offset == change.offset && earlier.offset == before.offset
            && earlier.start <= before.time
    }

    /// The rule between two ends of lines; nil if there is nothing between them.
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

    /// One of the two parts of a file: a header with counts, and as many numbers.
    private struct Part {
        static let headerBytes = 44

        let bytes: [UInt8]
        /// Bytes of a time.
        let width: Int
        let version: UInt8
        let leapSeconds: Int
        private let times: Int
        private let types: Int
        private let body: Int
        /// Where it ends.
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
            // Each count is below 2^32, so that the sum cannot overflow.
            let length =
                times * (width + 1) + types * 6 + count(5) + leapSeconds * (width + 4) + count(1) + count(0)
            if length > bytes.count - body { throw .cutOff }
            end = body + length
        }

        /// A number of so many bytes, the highest first, with its sign.
        private static func number(_ bytes: [UInt8], _ start: Int, _ width: Int) -> Int64 {
            let value = bytes[start..<(start + width)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return width == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
        }

        /// The times at which the offset changes, in order, and the offset before them.
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
