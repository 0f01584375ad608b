internal import CPluginAPI
internal import HostStore
internal import HostSystem

/// The values that plugins hold by `cache_pin`, with how often: in here and not in the plugin's struct, so that a copy of
/// that can pin and release as the original does, and nothing happens when one is released too often.
@safe enum CachePins {
    /// What a value carries to be told by: its address, and the number that no other value ever has.
    typealias Mark = (UInt64, UInt64)

    private struct Pinned {
        let value: CacheValue
        var count: Int
    }

    private static let pinned = Monitor<[UInt64: Pinned]>([:])

    /// The mark of a value, which the plugin's struct carries.
    @inline(__always)
    static func mark(_ value: Unmanaged<CacheValue>) -> Mark {
        (UInt64(UInt(bitPattern: unsafe value.toOpaque())), unsafe value._withUnsafeGuaranteedRef { $0.serial })
    }

    /// Pins the value of a mark; nothing for an empty one. A value that is not pinned yet is alive, as the plugin answers
    /// for: its callback has not returned.
    static func pin(_ mark: Mark) {
        guard let address = unsafe UnsafeRawPointer(bitPattern: UInt(mark.0)) else { return }
        pinned.withLock { pinned in
            if pinned[mark.1] != nil {
                pinned[mark.1]?.count += 1
            } else {
                let value = unsafe Unmanaged<CacheValue>.fromOpaque(address).takeUnretainedValue()
                pinned[mark.1] = Pinned(value: value, count: 1)
            }
        }
    }

    /// Pins a value that the caller holds.
    static func pin(_ value: CacheValue) {
        pinned.withLock { $0[value.serial, default: Pinned(value: value, count: 0)].count += 1 }
    }

    /// Takes one pin of the value back; nothing for one that has none.
    static func release(_ mark: Mark) {
        // The value may be the last one's: an object's release function is the plugin's code, and runs outside the lock.
        let last = pinned.withLock { pinned -> CacheValue? in
            guard let held = pinned[mark.1] else { return nil }
            if held.count > 1 {
                pinned[mark.1]?.count -= 1
                return nil
            }
            return pinned.removeValue(forKey: mark.1)?.value
        }
        _ = consume last
    }
}

/// The text of the last failed cache call of a thread that is in no callback: a plugin's own, or one that refreshes.
@safe final class ThreadError {
    private static let slot = unsafe ThreadSlot { text in
        if let text = unsafe text { unsafe Unmanaged<ThreadError>.fromOpaque(text).release() }
    }

    private let cache: CacheHandle
    private let text: CText

    private init(_ cache: CacheHandle, _ text: String) {
        self.cache = cache
        self.text = CText(text)
    }

    /// Keeps a text, in place of the one before.
    static func set(_ text: String, of cache: CacheHandle) {
        let old = unsafe slot.pointer
        unsafe slot.set(Unmanaged.passRetained(ThreadError(cache, text)).toOpaque())
        if let old = unsafe old { unsafe Unmanaged<ThreadError>.fromOpaque(old).release() }
    }

    /// The calling thread's, if it is of that cache.
    static func text(of cache: CacheHandle) -> CText? {
        guard let known = unsafe slot.pointer else { return nil }
        return unsafe Unmanaged<ThreadError>.fromOpaque(known)._withUnsafeGuaranteedRef { error in
            error.cache === cache ? error.text : nil
        }
    }
}
