internal import HostPolicy
internal import HostValues
internal import HostWire

/// Decodes a ledger's bytes. They are read by pread(2) and not through a mapping, since a plugin can shorten the file,
/// and an access past the end of a mapping would end the supervisor with SIGBUS.
enum LedgerReader {
    /// Decodes a slot.
    static func snapshot(_ bytes: [UInt8]) -> LedgerSnapshot {
        func word(_ index: Int) -> UInt64 { Self.word(index, of: bytes) }
        var snapshot = LedgerSnapshot(
            session: word(0), state: LedgerState(rawValue: word(1)), cycle: word(2),
            began: BootTime(nanoseconds: Int64(bitPattern: word(3))),
            due: BootTime(nanoseconds: Int64(bitPattern: word(4))),
            thread: Int32(truncatingIfNeeded: word(5)), failures: word(6), missed: word(7),
            end: SessionEnd(rawValue: word(12)))
        snapshot.wallDue = Int64(bitPattern: word(14))
        snapshot.passed = word(15)
        return snapshot
    }

    /// How many attempts at cycles a slot tells of.
    static func attempts(_ bytes: [UInt8]) -> UInt64 { word(2, of: bytes).clampedPlus(word(6, of: bytes)) }

    /// A slot's `carries`.
    static func carries(_ bytes: [UInt8]) -> UInt64 { word(11, of: bytes) >> 32 }

    /// Whether the slot's annex has counters of caches.
    static func cachesCounted(_ bytes: [UInt8]) -> Bool { word(5, of: bytes) >> 32 != 0 }

    /// The state of a slot's replica when it was read.
    enum Replica: Equatable {
        /// Its check word is right. Of the times it contains the one that matters in its state.
        case whole(LedgerSnapshot)
        /// Nothing was written there yet, or it is past the end of the file.
        case unused
        /// It was being written at that moment, or was overwritten by something other than the worker.
        case spoiled
    }

    /// A slot's replica from its bytes: any bytes. Without a key its seal is not looked at.
    static func replica(_ bytes: [UInt8], key: LedgerKey?) -> Replica {
        guard bytes.count == LedgerReplica.size, bytes.contains(where: { $0 != 0 }) else { return .unused }
        let words = (0..<8).map { word($0, of: bytes) }
        let seldom = LedgerReplica.seldom(
            session: words[0], threadAndEnd: words[2], failures: words[3], missed: words[4])
        let time = Int64(bitPattern: words[5])
        guard words[7] == LedgerReplica.check(seldom: seldom, place: words[1], time: time) else { return .spoiled }
        if let key {
            let sealed = key.seldom(
                session: words[0], threadAndEnd: words[2], failures: words[3], missed: words[4])
            guard words[6] == key.seal(seldom: sealed, place: words[1], time: time) else { return .spoiled }
        }
        var snapshot = LedgerSnapshot(
            session: words[0], state: LedgerState(rawValue: words[1] & 0xFF), cycle: words[1] >> 8,
            thread: Int32(truncatingIfNeeded: words[2] & 0xFFFF_FFFF), failures: words[3], missed: words[4],
            end: SessionEnd(rawValue: words[2] >> 32))
        if snapshot.state == .waiting {
            snapshot.due = BootTime(nanoseconds: time)
        } else {
            snapshot.began = BootTime(nanoseconds: time)
        }
        // A replica does not tell how failures were decided, so only cycles that certainly succeeded count as good.
        snapshot.passed = snapshot.failures
        return .whole(snapshot)
    }

    /// A word of 8 bytes.
    static func word(_ index: Int, of bytes: [UInt8]) -> UInt64 {
        var value: UInt64 = 0
        var place = index * 8 + 7
        while place >= index * 8 {
            value = value << 8 | UInt64(bytes[place])
            place -= 1
        }
        return value
    }
}
