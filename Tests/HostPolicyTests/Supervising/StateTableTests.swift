import HostTestKit
import Testing

/// The tables of state machines that tests read: what is wrong with one is told, and not read over.
@Suite struct StateTableTests {
    private static let good = """
        /// A machine.
        ///
        ///     event       here  there
        ///     go          there .
        ///     come back   .     here
        ///
        ///     T: nothing of the table
        enum Machine {}
        """

    @Test func `a table has its states, and a row for each event`() throws {
        let table = try StateTable(in: Self.good)
        #expect(table.states == ["here", "there"])
        #expect(table.rows == ["go": ["there", "."], "come back": [".", "here"]])
    }

    @Test(arguments: [
        ("come back   .     here", "go          .     here", "the event 'go' has two rows"),
        ("come back   .     here", "go          there .", "the event 'go' has two rows"),
        ("here  there", "here  here", "the state 'here' has two columns"),
        ("there .", "there", "the event 'go' has 1 cells, and there are 2 states"),
        ("event  ", "events ", "it has no table"),
    ])
    func `a table that says two things of one case is none`(part: String, other: String, fault: String) {
        let text = Self.good.split(separator: part, maxSplits: 1).joined(separator: other)
        #expect(throws: StateTable.Fault(text: fault)) { try StateTable(in: text) }
    }
}
