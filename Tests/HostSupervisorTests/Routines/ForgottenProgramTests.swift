import HostPolicy
import HostValues
import Testing

@testable import HostSupervisor

/// A host runs for months, and its plugins are replaced again and again.
@Suite struct ForgottenProgramTests {
    @Test func `a program that is forgotten leaves neither itself nor a routine in memory`() {
        let harness = BookHarness()
        harness.book.add(BookHarness.program(1, routines: 3))
        weak let program = harness.book.programs[1]
        weak let routine = harness.book.routines.values.first { _ in true }
        #expect(program != nil && routine != nil)
        harness.book.retire(1, as: .removed, "its file is gone")
        harness.book.forget([1])
        #expect(program == nil && routine == nil)
    }
}
