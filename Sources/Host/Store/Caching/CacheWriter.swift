/// Receives the result of a source, and what belongs to its run. Only the source's thread uses it, and only until the source
/// returns. Each is a load in progress at the same time: see `CacheLoad`.
///
/// Where its properties are `@exclusivity(unchecked)`, that keeps accesses apart; the runtime's check of it would take longer than
/// the access.
@safe public class CacheWriter {
    /// The largest size of any value: 1 GiB.
    public static let limit = 1 << 30

    /// Whether the cache holds objects, so that the result is to be one.
    public final let holdsObjects: Bool
    /// The text that the source has attached to its failure.
    @exclusivity(unchecked) public final var message = ""

    /// The bytes, as long as they are few; then all of them are in `buffer`.
    private final let few = FewBytes()
    @safe @exclusivity(unchecked) private final var count = 0
    /// Whether the source has written at all, be it nothing: an empty value is not the same as none.
    @safe @exclusivity(unchecked) private final var hasWritten = false
    @safe @exclusivity(unchecked) private final var buffer = ByteWriter()
    @safe @exclusivity(unchecked) private final var object: CacheObject?
    @safe @exclusivity(unchecked) private final var kept: [CacheValue] = []

    init(objects: Bool) { holdsObjects = objects }

    /// Keeps a value alive until the source has returned.
    public final func keep(_ value: CacheValue) { kept.append(value) }

    /// Appends a copy of the bytes. Returns false and appends nothing if the total would exceed `limit`.
    public final func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= Self.limit - count else { return false }
        hasWritten = true
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
    public final func setObject(
        _ object: UnsafeMutableRawPointer, cost: Int, release: @escaping @Sendable (UnsafeMutableRawPointer) -> Void
    ) {
        self.object = unsafe CacheObject(object, cost: cost, release: release)
    }

    /// Lets go of what is left when the source has returned and its result was taken.
    final func end() {
        if object != nil { object = nil }
        if !kept.isEmpty { kept = [] }
    }

    /// Takes the result out, for a value that is made while the writer lives; nil if there is none, or one that is not of
    /// the kind that the cache holds.
    final func finish() -> CacheValue.Content? {
        switch (holdsObjects, object) {
        case (true, let object?): .object(object)
        case (false, nil) where hasWritten:
            count <= FewBytes.capacity ? unsafe .few(few.bytes(count)) : .bytes(take())
        case (true, nil), (false, _): nil
        }
    }

    private final func take() -> CacheBytes {
        var written = ByteWriter()
        swap(&written, &buffer)
        return written.finish()
    }
}
