import FoundationEssentials

/// The table of a state machine, as it stands in the comment of the machine's source file: a row for each event, and a
/// column for each state.
///
/// The table is the indented part of the comment whose first row begins with `event`.
public struct StateTable: Sendable {
    /// The names of the states.
    public let states: [String]
    /// What each event leads to, in the order of the states.
    public let rows: [String: [String]]

    /// The columns for the names of events, which may have spaces.
    private static let eventWidth = 12

    /// What is wrong with a table.
    public struct Fault: Error, Equatable {
        /// A sentence about it.
        public let text: String

        /// A fault.
        public init(text: String) { self.text = text }
    }

    /// Reads the table from a file below `Sources/Host`.
    public init(of file: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = String(
            decoding: try Data(contentsOf: root.appending(path: "Sources/Host/\(file)")), as: UTF8.self)
        do throws(Fault) {
            try self.init(in: text)
        } catch {
            throw Fault(text: "\(file): \(error.text)")
        }
    }

    /// Reads the table from a source text. Each state and each event is there once, and each row has a cell for each state.
    public init(in text: String) throws(Fault) {
        let table = text.split(separator: "\n", omittingEmptySubsequences: false)
            .drop { !$0.hasPrefix("///     event ") }
            .prefix { $0.hasPrefix("///     ") }
            .map { line in
                let row = line.dropFirst(8)
                return (
                    event: row.prefix(Self.eventWidth).split(separator: " ").joined(separator: " "),
                    cells: row.dropFirst(Self.eventWidth).split(separator: " ").map { String($0) }
                )
            }
        guard let states = table.first?.cells, !states.isEmpty else { throw Fault(text: "it has no table") }
        for (index, state) in states.enumerated() where states[..<index].contains(state) {
            throw Fault(text: "the state '\(state)' has two columns")
        }
        var rows: [String: [String]] = [:]
        for row in table.dropFirst() {
            guard rows[row.event] == nil else { throw Fault(text: "the event '\(row.event)' has two rows") }
            guard row.cells.count == states.count else {
                throw Fault(
                    text: "the event '\(row.event)' has \(row.cells.count) cells, and there are \(states.count) states")
            }
            rows[row.event] = row.cells
        }
        self.states = states
        self.rows = rows
    }
}
