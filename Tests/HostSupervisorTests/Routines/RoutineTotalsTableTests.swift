import HostPolicy
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

/// The totals of routines that are gone, in a host that runs for months beside a build with ever new names.
@Suite struct RoutineTotalsTableTests {
    private let hour: Int64 = 3_600_000_000_000

    @Test func `of routines that are gone those are kept that went last, and all that are there`() {
        var table = RoutineTotalsTable(most: 100)
        table.change("there/r") { $0.failures += 1 }
        for number in 1...300 as ClosedRange<Int64> {
            let name = "build-\(number)/r"
            table.came(name)
            table.change(name) { $0.failures += 1 }
            table.went([name], at: .ns(number * hour))
        }
        #expect(table.count == 101 && table["there/r"]?.failures == 1)
        #expect(table.departureCount <= 201)
        #expect(table["build-201/r"]?.failures == 1 && table["build-200/r"] == nil)
    }

    @Test func `however many are replaced at once, those that are back within a minute go on counting`() {
        var table = RoutineTotalsTable(most: 100)
        let names = (1...300).map { "p/r\($0)" }
        for name in names { table.change(name) { $0.failures += 1 } }
        table.went(names, at: .ns(0))
        for name in names { table.came(name) }
        table.went(["p/r1"], at: .ns(hour))
        #expect(table.count == names.count && table.departureCount <= 2)
        table.came("p/r1")
        #expect(names.allSatisfy { table[$0]?.failures == 1 })
    }

    @Test func `a routine that went again is gone since then`() {
        var table = RoutineTotalsTable(most: 100)
        let names = (0...100).map { "p/r\($0)" }
        for name in names { table.change(name) { $0.failures += 1 } }
        for name in names.dropLast() { table.went([name], at: .ns(0)) }
        table.came(names[0])
        table.went([names[0]], at: .ns(1))
        table.went([names[names.count - 1]], at: .ns(hour))
        #expect(table[names[0]] != nil && table[names[1]] == nil && table.count == 100)
    }

    @Test func `counters go on when a file is replaced, and when it is removed and comes back`() {
        let harness = BookHarness()
        var shown: [UInt64] = []
        for number in 1...3 {
            harness.book.add(BookHarness.program(number))
            harness.perform()
            harness.end(number - 1, .maxCycles, cycles: 7)
            shown += harness.book.status { _ in 0 }.map(\.cyclesTotal)
            harness.book.retire(number, as: number == 1 ? .reloaded : .removed, "")
            harness.book.forget([number])
        }
        #expect(shown == [7, 14, 21])
    }

    @Test func `a book keeps no totals of all names that it has ever had`() {
        let harness = BookHarness()
        harness.book.totals = RoutineTotalsTable(most: 100)
        for number in 1...50 {
            harness.book.add(BookHarness.program(number, "build-\(number)", routines: 10))
            harness.perform()
            harness.book.retire(number, as: .removed, "its file is gone")
            for routine in (number - 1) * 10..<number * 10 { harness.end(routine, .removed) }
            harness.book.forget([number])
            harness.wait(3600)
        }
        #expect(harness.book.totals.count == 100)
    }
}
