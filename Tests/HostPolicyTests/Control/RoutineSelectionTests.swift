import HostPolicy
import HostTestKit
import HostValues
import Testing

/// The routines that a person means.
@Suite struct RoutineSelectionTests {
    @Test(arguments: [
        (["a/x"], ["a/x"]), (["a"], ["a/x", "a/y"]), (["b/z", "a"], ["a/x", "a/y", "b/z"]),
        (["a", "a/x"], ["a/x", "a/y"]),
    ])
    func `ids are routines, or plugins with all their routines`(wanted: [String], chosen: [String]) throws {
        #expect(try RoutineSelection.resolve(wanted, among: ["b/z", "a/y", "a/x"]) == chosen)
    }

    @Test(arguments: [
        (["m"], ["m@a/x", "m@a/y", "m@b/x"]), (["m@a"], ["m@a/x", "m@a/y"]), (["m@a/y"], ["m@a/y"]),
        (["m/x"], ["m@a/x", "m@b/x"]), (["mm"], ["mm/x"]),
    ])
    func `a plugin means all its instances`(wanted: [String], chosen: [String]) throws {
        #expect(try RoutineSelection.resolve(wanted, among: ["m@a/x", "m@a/y", "m@b/x", "mm/x"]) == chosen)
    }

    @Test(arguments: [
        (["a/x"], ["a/x#0", "a/x#1", "a/x#10"]), (["a/x#1"], ["a/x#1"]), (["a"], ["a/x#0", "a/x#1", "a/x#10", "a/y"]),
    ])
    func `a routine means all its parts`(wanted: [String], chosen: [String]) throws {
        #expect(try RoutineSelection.resolve(wanted, among: ["a/x#10", "a/x#0", "a/y", "a/x#1"]) == chosen)
    }

    @Test(arguments: [
        ("market-poler/snapshot", "market-poller/snapshot"), ("market-polle", "did you mean market-poller?"),
        ("snapshot", "did you mean market-poller/snapshot?"), ("zzz", "the routines are a/x, market-poller/snapshot"),
        ("", "no plugin or routine"), ("a/", "no plugin or routine"),
    ])
    func `an unknown id says what was meant`(word: String, text: String) {
        do {
            _ = try RoutineSelection.resolve([word], among: ["market-poller/snapshot", "a/x"])
            Issue.record("\(word) was found")
        } catch {
            #expect("\(error)".contains(text), "\(error)")
        }
    }
}
