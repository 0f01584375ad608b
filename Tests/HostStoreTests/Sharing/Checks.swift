import Testing

/// `#expect` for what changes when it is asked.
func check(_ isTrue: Bool, at place: SourceLocation = #_sourceLocation) { #expect(isTrue, sourceLocation: place) }

/// `#require` likewise.
func need<Value>(_ value: Value?, at place: SourceLocation = #_sourceLocation) throws -> Value {
    try #require(value, sourceLocation: place)
}
