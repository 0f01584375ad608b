import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

private let second: Int64 = 1_000_000_000

/// When the next look at the ledgers is due, among many routines that come and go.
@Suite struct HangWatchOrderTests {
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `the next look is that of the routine which is due first, whichever came and went`(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var watch = HangWatch()
        // The same of each routine alone: few routines are looked at as soon as one.
        var alone: [Int: HangWatch] = [:]
        var now = ClockReading(boot: BootTime(nanoseconds: 1000 * second), monotonic: .ns(900 * second))
        // Keys grow for as long as a host runs.
        var keys: [Int] = []
        var nextKey = 0
        for step in 1...150 {
            now.boot += second / 3
            now.monotonic += second / 3
            if keys.isEmpty || keys.count < 30 && random.below(3) == 0 {
                keys.append(nextKey)
                alone[nextKey] = HangWatch()
                nextKey += 1 + random.below(1000)
            }
            let place = random.below(keys.count)
            switch random.below(8) {
            case 0:
                watch.remove(keys[place])
                alone[keys[place]] = nil
                watch.remove(keys.remove(at: place))
            case 1:
                watch.ask(keys[place], at: now)
                alone[keys[place]]?.ask(keys[place], at: now)
            default:
                let states: [HangWatch.Snapshot.State] = [.idle, .waiting, .busy, .over]
                let snapshot = HangWatch.Snapshot(
                    state: states[random.below(4)], session: 7, cycle: UInt64(step), began: now.boot,
                    due: now.boot + Int64(random.below(100)) * second, timeout: Int64(1 + random.below(50)) * second)
                _ = watch.observe(keys[place], snapshot, at: now)
                _ = alone[keys[place]]?.observe(keys[place], snapshot, at: now)
            }
            let first = alone.values.compactMap { $0.nextCheck(at: now) }.map(\.monotonic).min()
            #expect(watch.nextCheck(at: now)?.monotonic == first)
        }
    }
}
