import Testing

/// Tests of the real program with real plugins, in two rows: within each one at a time, since several of them measure time, which they
/// compare with what a `Canary` saw. Most of them wait most of the time.
@Suite(.serialized, .timeLimit(.minutes(3))) enum EndToEnd {}

/// The second row, which takes as long as the first one.
@Suite(.serialized, .timeLimit(.minutes(3))) enum EndToEndBeside {}

/// What a test waited for and did not get.
struct Unmet: Error, CustomStringConvertible {
    let description: String
}

/// Awaits a condition: the first value that is not nil. Throws when there is none in time.
func eventually<Value>(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(20), _ condition: () throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + limit
    while true {
        if let value = try condition() { return value }
        if ContinuousClock.now > deadline { throw Unmet(description: "not within \(limit): \(what())") }
        try await Task.sleep(for: .milliseconds(1))
    }
}

/// Awaits that a condition becomes true.
func eventually(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(20), _ condition: () throws -> Bool
) async throws {
    let _: Bool = try await eventually(what(), within: limit) { try condition() ? true : nil }
}
