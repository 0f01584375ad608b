/// Receives the result of a source, and what belongs to its run. Only the source's thread uses it, and only until the source
/// returns.
///
/// Where its properties are `@exclusivity(unchecked)`, that keeps accesses apart; the runtime's check of it would take longer than
/// the access.
@safe public final class CacheWriter {
    /// The largest size of any value: 1 GiB.
    public static let limit = 1 << 30

    /// Whether the cache holds objects, so that the result is to be one.
    public let holdsObjects: Bool
    /// The text that the source has attached to its failure.
    public var message = ""

    /// The bytes, as long as they are few; then all of them are in `buffer`.
    private let few = FewBytes()
    @safe @exclusivity(unchecked) private var count = 0
    @safe @exclusivity(unchecked) private var buffer = ByteWriter()
    private var object: CacheObject?
    private var kept: [CacheValue] = []

    init(objects: Bool) { holdsObjects = objects }

    /// Keeps a value alive until the source has returned.
    public func keep(_ value: CacheValue) { kept.append(value) }

    /// Appends a copy of the bytes. Returns false and appends nothing if the total would exceed `limit`.
    public func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= Self.limit - count else { return false }
        let sum = count + bytes.count
        if sum <= FewBytes.capacity {
            _ = unsafe few.copy(bytes, at: count)
        } else {
            if count <= FewBytes.capacity { unsafe buffer.append(few.bytes(count)) }
            unsafe buffer.append(bytes)
        }
        count = sum
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

    /// Takes the result out, for a value that is made while the writer lives; nil if it is not of the kind that the cache
    /// holds.
    func finish() -> CacheValue.Content? {
        switch (holdsObjects, object) {
        case (true, let object?): .object(object)
        case (false, nil): count <= FewBytes.capacity ? unsafe .few(few.bytes(count)) : .bytes(take())
        case (true, nil), (false, _?): nil
        }
    }

    private func take() -> CacheBytes {
        var written = ByteWriter()
        swap(&written, &buffer)
        return written.finish()
    }
}
