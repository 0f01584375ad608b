internal import CPluginAPI

/// The errors that the sources of one cache threw last, each with the text that the host has of it. On any thread.
///
/// The host releases all callers of a failed load with its code and its text; the error itself is known here.
final class ThrownErrors: Sendable {
    private struct Kept {
        let text: String
        let error: any Error
    }

    private let errors = Guarded<[Bytewise: Kept]>([:])

    /// How many keys' errors are kept; past that all are dropped, and callers get a `CacheError` with code and text.
    private static let limit = 256

    /// Keeps what the source of a key threw; on the thread that runs it, before the host knows.
    func keep(_ error: any Error, _ key: String) {
        let new = Kept(text: String(describing: error), error: error)
        let key = Bytewise(key)
        errors.withLock { errors in
            if errors.count >= Self.limit, errors[key] == nil { errors.removeAll(keepingCapacity: true) }
            errors[key] = new
        }
    }

    /// The error of that key whose text that is; nil when it was another one.
    func find(_ key: String, _ text: String) -> (any Error)? {
        guard let kept = errors.withLock({ $0[Bytewise(key)] }), !text.isEmpty else { return nil }
        // Of a long text the host has the beginning.
        let isSame = kept.text == text || (text.utf8.count > SCHEDHOST_MAX_MESSAGE - 8 && kept.text.hasPrefix(text))
        return isSame ? kept.error : nil
    }
}
