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
    let start = ContinuousClock.now
    while true {
        if let value = try condition() { return value }
        let waited = ContinuousClock.now - start
        if waited > limit { throw Unmet(description: "not within \(limit): \(what())") }
        // A fiftieth late at most: to look is work, and takes the processor from what is waited for.
        try await Task.sleep(for: min(max(waited / 50, .milliseconds(1)), .milliseconds(20)))
    }
}

/// Awaits that a condition becomes true.
func eventually(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(20), _ condition: () throws -> Bool
) async throws {
    let _: Bool = try await eventually(what(), within: limit) { try condition() ? true : nil }
}
