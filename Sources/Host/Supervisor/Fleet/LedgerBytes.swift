internal import HostWire

/// The bytes of a slot of a ledger and of its annex, which belong together. They are untrusted: any bytes may occur.
struct LedgerBytes: Equatable {
    /// The slot's, of which there are `LedgerSlot.size`.
    let slot: [UInt8]
    /// The annex's, of which there are `LedgerAnnex.size`; nil if nothing is in it.
    let annex: [UInt8]?

    /// How often both are read until they belong together. A bucket goes on in the annex at most every four minutes, so that
    /// the second time is enough where nobody writes what he likes.
    private static let mostReads = 8
    /// With fewer attempts than this at cycles, no bucket can be full, nor become so within a single read. The margin to the
    /// 4 294 967 296 that fill one would be two minutes of back-to-back cycles.
    private static let fewAttempts: UInt64 = 1 << 31

    /// A slot without an annex.
    init(slot: [UInt8], annex: [UInt8]? = nil) {
        self.slot = slot
        self.annex = annex
    }

    /// The bytes of a slot in which nothing was written.
    static let unused = LedgerBytes(slot: [UInt8](repeating: 0, count: LedgerSlot.size))

    /// Reads a slot with what belongs to it. `slot` and `annex` each read the file once; the result is nil if `slot`
    /// returns nil.
    ///
    /// The worker writes meanwhile. When a bucket is full, it makes `carries` odd, changes both halves, and makes it even
    /// again. So what is read between two reads of the same even number belongs together. The annex is not read where
    /// the slot says that nothing is in it, since that would take memory.
    static func read(slot: () -> [UInt8]?, annex: () -> [UInt8]?) -> LedgerBytes? {
        guard var before = slot() else { return nil }
        var carries = LedgerReader.carries(before)
        let mark = LedgerReader.cachesCounted(before)
        if carries == 0, LedgerReader.attempts(before) < fewAttempts {
            return LedgerBytes(slot: before, annex: mark ? annex() : nil)
        }
        for _ in 0..<mostReads {
            let beside = carries != 0 || mark ? annex() : nil
            guard let middle = slot(), let after = slot() else { return nil }
            let next = LedgerReader.carries(after)
            if next == carries, carries & 1 == 0 { return LedgerBytes(slot: middle, annex: beside) }
            (before, carries) = (after, next)
        }
        return LedgerBytes(slot: before, annex: annex())
    }
}
