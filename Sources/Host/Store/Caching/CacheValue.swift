internal import HostValues
internal import Synchronization

/// An immutable value of a cache: bytes or an object, at an address that does not change while the value lives.
///
/// References keep it alive; a pin is such a reference. An object's release function runs when the last reference is
/// dropped, on whichever thread does so, and never under a lock of the caches.
@safe public final class CacheValue: @unchecked Sendable {
    // @unchecked: the bytes are not written after init; everything that changes is atomic.

    /// The content of a value.
    enum Content {
        case bytes(CacheBytes)
        case object(CacheObject)
    }

    private let content: Content
    /// The bytes; empty for an object.
    public let bytes: UnsafeRawBufferPointer
    /// The object; nil for bytes.
    public let object: UnsafeMutableRawPointer?
    /// The bytes charged to the memory budget.
    public let cost: Int
    /// Grows with each load and put of the cache.
    public let generation: UInt64
    /// The key of its entry; empty for the unkeyed value.
    let key: [UInt8]
    /// A number that is unique among all values of this process, unlike the address, which is reused.
    public let serial = serials.add(1, ordering: .relaxed).newValue
    private static let serials = Atomic<UInt64>(0)
    /// When its load completed; `longAgo` if that is unknown.
    let produced: BootTime
    /// The time until which a plain get is a hit without side effects; `longAgo` if the age is unknown.
    let servesUntil: BootTime
    /// When it was last served, in boot-clock ns.
    let used: Atomic<Int64>
    /// The code of the last failed load since the value was made; 0 if there was none.
    let failure = Atomic<Int32>(0)
    /// Whether a hit has handed the value out without taking a reference; then a caller that replaces it must defer its
    /// release (`DeferredRelease`).
    let isSeen = Atomic(false)
    /// The round of `DeferredRelease` in which the value was added last, so that it is not added twice.
    let parked = Atomic<UInt64>(0)

    init(
        _ content: Content, key: [UInt8], generation: UInt64, produced: BootTime?, now: BootTime,
        policy: CacheFlight.Policy
    ) {
        self.key = key
        switch content {
        case .bytes(let held):
            unsafe bytes = held.bytes
            unsafe object = nil
            cost = unsafe held.bytes.count
        case .object(let held):
            unsafe bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            unsafe object = held.pointer
            cost = held.cost
        }
        self.content = content
        self.generation = generation
        self.produced = produced ?? .longAgo
        if let produced {
            let refresh = produced + policy.refreshAfter
            servesUntil = min(produced + policy.expire, refresh == .never ? .never : refresh - 1)
        } else {
            servesUntil = .longAgo
        }
        used = Atomic(now.nanoseconds)
    }

    /// Whether that is its key.
    @inline(__always)
    func isOf(_ key: UnsafeRawBufferPointer) -> Bool {
        unsafe self.key.withUnsafeBytes { unsafe $0.count == key.count && $0.elementsEqual(key) }
    }

    /// Whether releasing the value runs plugin code.
    var isObject: Bool {
        switch content {
        case .bytes: false
        case .object: true
        }
    }

    /// The CRC-32C of the bytes.
    var checksum: UInt32 {
        switch content {
        case .bytes(let held): held.checksum
        case .object: 0
        }
    }

    /// A copy of the bytes.
    public var array: [UInt8] { unsafe [UInt8](bytes) }
}

/// An object with its release function, which is called exactly once.
@safe final class CacheObject: @unchecked Sendable {
    // @unchecked: the pointer is only passed on; the plugin is responsible for the object behind it.
    let pointer: UnsafeMutableRawPointer
    let cost: Int
    private let release: @Sendable (UnsafeMutableRawPointer) -> Void

    init(_ pointer: UnsafeMutableRawPointer, cost: Int, release: @escaping @Sendable (UnsafeMutableRawPointer) -> Void)
    {
        unsafe self.pointer = unsafe pointer
        self.cost = max(0, cost)
        unsafe self.release = release
    }

    deinit { unsafe release(pointer) }
}

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
