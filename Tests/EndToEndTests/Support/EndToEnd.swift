import Testing

/// Tests of the real program with real plugins. One at a time: several of them measure time.
@Suite(.serialized, .timeLimit(.minutes(3))) enum EndToEnd {}

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
