public import HostValues

/// What one call asks of a cache.
public struct CacheLookup: Equatable, Sendable {
    /// Ask the source, unless the value is younger than the tolerance.
    public var fresh: Bool
    /// t of the table, in nanoseconds, from 0; `Int64.max` is for ever.
    public var tolerance: Int64

    /// A request; both as `cache(fresh: false, tolerance: 0)` has them.
    public init(fresh: Bool = false, tolerance: Int64 = 0) {
        self.fresh = fresh
        self.tolerance = tolerance
    }

    /// Whether nothing but a new load will do.
    var isStrict: Bool { fresh && tolerance <= 0 }
}

/// How a source failed, in its own words.
public struct CacheSourceFailure: Error, Equatable, Sendable {
    /// What the source returned; not 0.
    public let code: Int32
    /// What it attached, or "".
    public let text: String
    /// Set when the source was not asked, since it failed a short while ago: until when it is left alone. The
    /// failure is the one from then.
    public internal(set) var leftAloneUntil: BootTime?

    /// A failure.
    public init(code: Int32, text: String) {
        self.code = code
        self.text = text
    }
}

/// Why there is no value.
public enum CacheFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The source failed, now or within the back-off, and nothing may be served instead.
    case sourceFailed(CacheSourceFailure)
    /// The source asked for the very value that it makes, directly or through other caches or threads.
    case reentrant
    /// None is held, and no source was asked.
    case notFound
    /// The value is over its bound.
    case tooLarge
    /// An argument is out of its range; says which.
    case invalid(String)

    /// Others put or dropped the value again and again while the call waited for its load.
    static let overtaken = CacheFailure.sourceFailed(
        CacheSourceFailure(
            code: 1, text: "the value was dropped each time that it was loaded: too many writers at once"))

    /// What it says, in one line.
    public var description: String {
        switch self {
        case .sourceFailed(let failure):
            failure.text.isEmpty ? "the source failed with code \(failure.code)" : failure.text
        case .reentrant: "the source of this cache asked for the value that it makes"
        case .notFound: "there is no value"
        case .tooLarge: "the value is over its bound"
        case .invalid(let what): what
        }
    }
}

/// Makes a value: reads the key, writes to the writer, returns nil or how it failed. Runs on the calling thread.
public typealias CacheSource = (_ key: UnsafeRawBufferPointer, _ writer: CacheWriter) -> CacheSourceFailure?

/// A value as a call got it. Keeps the value alive.
public struct ServedValue: Sendable {
    /// Where the value came from.
    public enum State: Equatable, Sendable {
        /// From the cache.
        case hit
        /// From the source, for this call or one that this call joined.
        case loaded
        /// Past its expiry: the source failed, and the tolerance allows it.
        case stale
    }

    /// Where it came from.
    public let state: State
    /// The value.
    public let value: CacheValue
    /// Nanoseconds since its load completed; nil when unknown (only `peek` answers so).
    public let age: Int64?
    /// The last failed load since the value was made.
    public let lastFailure: CacheSourceFailure?
}
