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

    @inlinable
    init(_ value: Value, _ facts: CacheFacts) {
        self.value = value
        state =
            switch facts.origin {
            case .hit: .hit
            case .loaded: .loaded
            case .stale: .stale
            }
        age = .milliseconds(facts.age)
        generation = facts.generation
        lastError = facts.lastError == 0 ? nil : facts.lastError
    }

    @inlinable
    init(_ answer: BoxAnswer) { self.init(answer.box.value(as: Value.self), answer.facts) }

    @inlinable
    init(_ answer: HeldAnswer) {
        self = unsafe answer.box._withUnsafeGuaranteedRef { CacheAnswer($0.value(as: Value.self), answer.facts) }
    }
}

/// A value as a box, and what the host says of it.
@usableFromInline
struct BoxAnswer {
    @usableFromInline let box: ValueBox
    @usableFromInline let facts: CacheFacts
}

/// The same of a value that the host keeps until the callback in progress returns.
@usableFromInline
@safe struct HeldAnswer {
    @usableFromInline let box: Unmanaged<ValueBox>
    @usableFromInline let facts: CacheFacts
}

/// What a host says of a value.
@usableFromInline
struct CacheFacts {
    @usableFromInline
    enum Origin {
        case hit, loaded, stale
    }

    @usableFromInline let origin: Origin
    @usableFromInline let lastError: Int32
    /// In ms.
    @usableFromInline let age: Int64
    @usableFromInline let generation: UInt64

    /// Of a value that was made without a cache.
    init() {
        origin = .loaded
        lastError = 0
        age = 0
        generation = 0
    }

    /// Reads each field by itself: a processor waits for what was written in parts a moment ago when it is read in larger ones,
    /// as for a copy of the whole struct.
    @inline(__always)
    init(_ value: borrowing schedhost_cache_value) {
        origin =
            switch unsafe Int(value.state) {
            case SCHEDHOST_VALUE_LOADED: .loaded
            case SCHEDHOST_VALUE_STALE: .stale
            default: .hit
            }
        lastError = unsafe value.last_error
        age = unsafe value.age_ms
        generation = unsafe value.generation
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
    public var description: String { "cache \"\(cache.withoutNUL)\": \(message)" }

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
