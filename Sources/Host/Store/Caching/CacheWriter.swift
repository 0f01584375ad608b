internal import HostSystem

/// Receives the result of a source. Only the source's thread uses it, and only until the source returns.
@safe public final class CacheWriter {
    /// The largest size of any value: 1 GiB.
    public static let limit = 1 << 30

    private var buffer = ByteWriter()
    private var object: CacheObject?

    init() {}

    /// Appends a copy of the bytes. Returns false and appends nothing if the total would exceed `limit`.
    public func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= Self.limit - buffer.count else { return false }
        unsafe buffer.append(bytes)
        return true
    }

    /// Sets the result of a source for an object cache; an object set before is released.
    ///
    /// `release` is called exactly once, on any thread, when the last user is done with the object; it is also called
    /// if the source fails afterwards.
    public func setObject(
        _ object: UnsafeMutableRawPointer, cost: Int, release: @escaping @Sendable (UnsafeMutableRawPointer) -> Void
    ) {
        self.object = unsafe CacheObject(object, cost: cost, release: release)
    }

    /// The result; nil if it is not of the kind that the cache holds.
    func finish(objects: Bool) -> CacheValue.Content? {
        switch (objects, object) {
        case (true, let object?): .object(object)
        case (false, nil): .bytes(take())
        case (true, nil), (false, _?): nil
        }
    }

    private func take() -> CacheBytes {
        var written = ByteWriter()
        swap(&written, &buffer)
        return written.finish()
    }
}
