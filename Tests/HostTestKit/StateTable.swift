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

    /// Reads the table from a file below `Sources/Host`.
    public init(of file: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = String(
            decoding: try Data(contentsOf: root.appending(path: "Sources/Host/\(file)")), as: UTF8.self)
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
        states = table.first?.cells ?? []
        rows = Dictionary(table.dropFirst().map { ($0.event, $0.cells) }) { first, _ in first }
    }
}
