internal import CPluginAPI
internal import HostStore

extension CacheHandle {
    /// Notes how a cache call failed: its text for `cache_error`, and the failure for the record, in case the callback
    /// returns it as its own.
    func note(_ error: CacheFailure) {
        var source: CacheSourceFailure?
        switch error {
        case .sourceFailed(let failure):
            source = failure
            setError(error.description)
        case .reentrant, .stopped: setError(error.description)
        case .tooLarge: break
        case .notFound, .invalid: return
        }
        guard isCallback else { return }
        let runner = unsafe cell.pointee.runner
        let before = runner.session.cacheTrouble
        let isNew = before != nil && before?.leftAloneUntil == nil
        runner.session.cacheTrouble = Session.CacheTrouble(
            source: source, text: "cache \(cache.name): \(error)", leftAloneUntil: isNew ? nil : source?.leftAloneUntil)
        unsafe cell.pointee.hasMessage = true  // cleared after the callback, even if that succeeds
    }
}

extension CacheFailure {
    /// The code that the plugin gets.
    var code: Int32 {
        switch self {
        case .sourceFailed: SCHEDHOST_SOURCE_FAILED.code
        case .reentrant: SCHEDHOST_REENTRANT.code
        case .stopped: SCHEDHOST_STOPPED.code
        case .notFound: SCHEDHOST_NOT_FOUND.code
        case .tooLarge: SCHEDHOST_TOO_LARGE.code
        case .invalid: SCHEDHOST_INVALID.code
        }
    }
}
