internal import CPluginAPI
internal import HostStore
internal import HostSystem

/// The values that plugins have pinned with `cache_pin`, each with its pin count.
///
/// The count is kept here and not in the plugin's struct: so a copy of the struct can pin and release like the
/// original, and one release too many has no effect.
@safe enum CachePins {
    /// Identifies a value: its address, and its serial number, which no other value ever has.
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

    /// Pins the value of a mark; does nothing for an empty mark. The value is alive, either because it is pinned
    /// already, or because the plugin guarantees it: the callback that received it has not returned.
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

    /// Pins a value to which the caller holds a reference.
    static func pin(_ value: CacheValue) {
        pinned.withLock { $0[value.serial, default: Pinned(value: value, count: 0)].count += 1 }
    }

    /// Releases one pin of the value; does nothing if it has none.
    static func release(_ mark: Mark) {
        // This may drop the last reference, and an object's release function is plugin code, which must run outside the
        // lock.
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

/// The error text of the last failed cache call on a thread that is in no callback: a thread of the plugin's own, or
/// one that performs a background refresh.
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

    /// Stores a text for the calling thread, replacing the former one.
    static func set(_ text: String, of cache: CacheHandle) {
        let old = unsafe slot.pointer
        unsafe slot.set(Unmanaged.passRetained(ThreadError(cache, text)).toOpaque())
        if let old = unsafe old { unsafe Unmanaged<ThreadError>.fromOpaque(old).release() }
    }

    /// The calling thread's text, if it is about that cache; else nil.
    static func text(of cache: CacheHandle) -> CText? {
        guard let known = unsafe slot.pointer else { return nil }
        return unsafe Unmanaged<ThreadError>.fromOpaque(known)._withUnsafeGuaranteedRef { error in
            error.cache === cache ? error.text : nil
        }
    }
}
