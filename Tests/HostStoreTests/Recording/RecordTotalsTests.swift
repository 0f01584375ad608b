import HostTestKit
import HostValues
import Testing

@testable import HostStore

/// 20 000 random mutations of a good line: where the store's reader takes one, so do the totals, with the same sums.
@Test func totalsReadWhatTheStoreReads() {
    var random = SplitMix(seed: 11)
    let good = SessionRecord.full.line()
    var read = 0
    for _ in 0..<20_000 {
        var line = good
        for _ in 0...random.below(3) {
            let place = random.below(line.count)
            switch random.below(3) {
            case 0: line[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: line.remove(at: place)
            default: line.insert(line[random.below(line.count)], at: place)
            }
        }
        let entry = RecordTotals.Entry(line, in: 0..<line.count)
        guard let record = try? SessionRecord(line: line) else { continue }
        read += 1
        #expect(entry?.session == record.session && entry?.identifier == record.identifier)
        #expect(entry?.cycles == record.cycles && entry?.lifetimeCycles == record.lifetimeCycles)
    }
    #expect(read > 200)
}
