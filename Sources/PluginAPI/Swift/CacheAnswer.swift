internal import CPluginAPI

/// A cache's value with what is known about it.
public struct CacheAnswer<Value: Sendable>: Sendable {
    /// Where a value came from.
    public enum State: Sendable {
        /// Served from the cache.
        case hit
        /// The source made it, for this call or one that this call joined.
        case loaded
        /// Past its expiry: the source failed, and the tolerance allows it.
        case stale
    }

    /// The value.
    public let value: Value
    /// Where it came from.
    public let state: State
    /// Since its load completed, in whole milliseconds; suspend counts, and no clock step disturbs it. About 292 million
    /// years where nobody knows.
    public let age: Duration
    /// Grows by one with each load and put of this cache, also across restarts; 0 from a host without caches.
    public let generation: UInt64
    /// The code of the last failed load since the value was made; nil if none failed.
    public let lastError: Int32?

    init(_ answer: CacheBinding.Answer) {
        value = answer.box.value(as: Value.self)
        let facts = unsafe answer.facts
        state =
            switch unsafe facts.map({ unsafe Int($0.state) }) {
            case SCHEDHOST_VALUE_LOADED, nil: .loaded
            case SCHEDHOST_VALUE_STALE: .stale
            default: .hit
            }
        age = unsafe facts.map { unsafe .milliseconds($0.age_ms) } ?? .zero
        generation = unsafe facts?.generation ?? 0
        lastError = unsafe facts.flatMap { unsafe $0.last_error == 0 ? nil : $0.last_error }
    }
}

/// Why a cache gave no value. What its source threw is thrown as it is, not as this, to everyone who shares that load
/// or asks again before its back-off is over; only where that error is no longer known, this has its code and text.
public struct CacheError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The cache's name.
    public let cache: String
    /// SCHEDHOST_INVALID, SCHEDHOST_REENTRANT, SCHEDHOST_SOURCE_FAILED, SCHEDHOST_TOO_LARGE, SCHEDHOST_NOT_HERE, or
    /// the source's own number.
    public let code: Int32
    /// The source's own text, or what was wrong with the call.
    public let message: String
    /// Whether the source failed: then `code` and `message` are its own.
    public let isSourceFailure: Bool

    init(_ cache: String, code: Int32, message: String, isSourceFailure: Bool = false) {
        self.cache = cache
        self.code = code
        self.isSourceFailure = isSourceFailure
        self.message = message.isEmpty ? Self.meaning(of: code) : message
    }

    /// One line that names the cache and the reason.
    public var description: String { "cache \"\(cache)\": \(message)" }

    private static func meaning(of code: Int32) -> String {
        switch Int(code) {
        case SCHEDHOST_INVALID: "an argument is out of its range"
        case SCHEDHOST_NOT_FOUND: "there is no such value"
        case SCHEDHOST_REENTRANT: "its source asks for its own cache"
        case SCHEDHOST_SOURCE_FAILED: "its source failed, and there is nothing to serve instead"
        case SCHEDHOST_TOO_LARGE: "the value is too large"
        case SCHEDHOST_UNSUPPORTED: "the host does not have this function"
        case SCHEDHOST_NOT_HERE: "not to be used at this place"
        default: "error \(code)"
        }
    }
}
