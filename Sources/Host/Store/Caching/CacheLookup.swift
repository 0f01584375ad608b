public import HostValues

/// What one call asks of a cache.
public struct CacheLookup: Equatable, Sendable {
    /// Run the source, unless the value is younger than the tolerance.
    public var fresh: Bool
    /// The tolerance in ns, at least 0. Without `fresh` it is how far past its expiry a value may be served if the
    /// source fails; with `fresh` it is the age up to which a value may be served. `Int64.max` means without limit.
    public var tolerance: Int64

    /// Makes a request; the defaults are those of `cache(fresh: false, tolerance: 0)`.
    public init(fresh: Bool = false, tolerance: Int64 = 0) {
        self.fresh = fresh
        self.tolerance = tolerance
    }

    /// Whether only the result of a new load satisfies the call.
    var isStrict: Bool { fresh && tolerance <= 0 }
}

/// A failure of a source, with the code and the text that the source gave. An object, since failures are rare, and each answer
/// has room for one.
public final class CacheSourceFailure: Error, Equatable, Sendable {
    /// The code that the source returned; not 0.
    public let code: Int32
    /// The text that the source attached; may be empty.
    public let text: String
    /// The end of the back-off, if this is the failure of an earlier load and the source was not asked again.
    public let leftAloneUntil: BootTime?

    /// Makes a failure from its parts.
    public init(code: Int32, text: String, leftAloneUntil: BootTime? = nil) {
        self.code = code
        self.text = text
        self.leftAloneUntil = leftAloneUntil
    }

    /// The same failure for a call that did not ask the source again.
    func leftAlone(until end: BootTime) -> CacheSourceFailure {
        CacheSourceFailure(code: code, text: text, leftAloneUntil: end)
    }

    /// The longest text that is kept for the calls during a back-off, in bytes.
    static let longestKept = 512

    /// The same failure as it is kept for them: there may be one for each key, beside the memory that values may take.
    var kept: CacheSourceFailure {
        if text.utf8.count <= Self.longestKept { return self }
        return CacheSourceFailure(
            code: code, text: String(text.cut(to: Self.longestKept)), leftAloneUntil: leftAloneUntil)
    }

    /// Whether all parts are the same.
    public static func == (one: CacheSourceFailure, other: CacheSourceFailure) -> Bool {
        one.code == other.code && one.text == other.text && one.leftAloneUntil == other.leftAloneUntil
    }
}

/// The reason why a call gets no value.
public enum CacheFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The source failed, now or earlier within its back-off, and no stale value may be served.
    case sourceFailed(CacheSourceFailure)
    /// The source asked for the very value that it makes, directly, or through other caches or threads.
    case reentrant
    /// The host asks the routine to stop, which has waited for the load of another routine.
    case stopped
    /// No value is held, and there was no source to ask.
    case notFound
    /// The value is larger than the limit.
    case tooLarge
    /// An argument is out of range; the text says which.
    case invalid(String)

    /// Other callers put or dropped the value again and again while this call waited for its load.
    static let overtaken = CacheFailure.sourceFailed(
        CacheSourceFailure(
            code: 1, text: "the value was dropped each time that it was loaded: too many writers at once"))

    /// The reason in one line, for messages.
    public var description: String {
        switch self {
        case .sourceFailed(let failure):
            failure.text.isEmpty ? "the source failed with code \(failure.code)" : failure.text
        case .reentrant: "the source of this cache asked for the value that it makes"
        case .stopped: "the routine was asked to stop while it waited for the load of another one"
        case .notFound: "there is no value"
        case .tooLarge: "the value is over its bound"
        case .invalid(let what): what
        }
    }
}

/// Makes a value: reads the key and writes to the writer; returns nil, or a failure. Runs on the calling thread.
public typealias CacheSource = (_ key: UnsafeRawBufferPointer, _ writer: CacheWriter) -> CacheSourceFailure?

/// A value as a call receives it. Holds a reference to the value.
public struct ServedValue: Sendable {
    /// Where a served value came from.
    public enum State: Equatable, Sendable {
        /// From the cache: within its expiry, except for `peek`.
        case hit
        /// From the source, in a load that this call performed or joined.
        case loaded
        /// From the cache past its expiry: the source failed, and the call's tolerance allows it.
        case stale
    }

    /// Where it came from.
    public let state: State
    /// The value.
    public let value: CacheValue
    /// The time in ns since its load completed; nil if that is unknown, which only `peek` returns.
    public let age: Int64?
    /// The last failed load since the value was made; nil if there was none.
    public let lastFailure: CacheSourceFailure?
}

/// The codes of failures that originate in the caches, as in the ABI.
enum CacheCode {
    static let invalid: Int32 = -1
    static let notFound: Int32 = -2
}
