import HostPolicy
import HostTestKit
import HostValues
import Testing

struct NaturalOrderTests {
    @Test(
        "numbers in names count as numbers",
        arguments: [
            ["worker-1", "worker-2", "worker-10"], ["a", "a0", "a00", "a1", "a01", "a9", "a10", "b"],
            ["p2/r10", "p10/r2"], ["v1.9.3", "v1.10.0"], ["", "0", "00", "1"], ["x9", "x18446744073709551616"],
            ["x99999999999999999998y", "x99999999999999999999a"], ["B1", "a1", "\u{e9}1"], ["a-1", "a1"],
        ])
    func order(_ names: [String]) {
        #expect(names.reversed().sorted(by: NaturalOrder.precedes) == names)
        // A total order: of two that are not the same one comes first.
        for one in names {
            for other in names {
                let order = NaturalOrder.compare(one, other)
                #expect((order == 0) == (one == other) && (order < 0) == (NaturalOrder.compare(other, one) > 0))
            }
        }
    }

    @Test("what is asked of a host comes in that order")
    func selection() throws {
        let known = ["w/worker-10", "w/worker-2", "a/x", "w/worker-1"]
        #expect(try RoutineSelection.resolve(["w"], among: known) == ["w/worker-1", "w/worker-2", "w/worker-10"])
    }
}
