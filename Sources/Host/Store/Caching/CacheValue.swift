internal import HostValues
internal import Synchronization

/// One value of a cache: bytes or an object, immutable, at an address that does not move while it lives.
///
/// References keep it alive: hold one for a pin. The object's release function runs when the last is gone, on
/// whichever thread that is and never under a lock of the caches.
@safe public final class CacheValue: @unchecked Sendable {
    // @unchecked: the bytes are not written after init; what changes is atomic.

    /// What a value consists of.
    enum Content {
        case bytes(CacheBuffer)
        case object(CacheObject)
    }

    private let content: Content
    /// The bytes; empty for an object.
    public let bytes: UnsafeRawBufferPointer
    /// The object, for an object cache.
    public let object: UnsafeMutableRawPointer?
    /// Bytes that count against the memory bound.
    public let cost: Int
    /// Grows by one with each load and put of the cache.
    public let generation: UInt64
    /// Which of all values of this process it is: an address is used again, this number is not.
    public let serial = serials.add(1, ordering: .relaxed).newValue
    private static let serials = Atomic<UInt64>(0)
    /// When its load completed; `longAgo` when nobody knows.
    let produced: BootTime
    /// Until when a plain get is a hit and starts nothing; `longAgo` when its age is unknown.
    let servesUntil: BootTime
    /// When it was last served, boot-clock ns.
    let used: Atomic<Int64>
    /// The code of the last failed load since it was made.
    let failure = Atomic<Int32>(0)
    /// Whether a hit has handed it out without a reference: who replaces it has to park it.
    let isSeen = Atomic(false)
    /// The round of the parking in which it is parked already.
    let parked = Atomic<UInt64>(0)

    init(
        _ content: Content, generation: UInt64, produced: BootTime?, now: BootTime, policy: CacheFlight.Policy
    ) {
        switch content {
        case .bytes(let buffer):
            unsafe bytes = buffer.bytes
            unsafe object = nil
            cost = unsafe buffer.bytes.count
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

    /// Whether letting it go runs a plugin's code.
    var isObject: Bool {
        switch content {
        case .bytes: false
        case .object: true
        }
    }

    /// The bytes as an array: a copy.
    public var array: [UInt8] { unsafe [UInt8](bytes) }
}

/// An object with the function that releases it, once.
@safe final class CacheObject: @unchecked Sendable {
    // @unchecked: the pointer is only handed on; the plugin answers for what is behind it.
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

/// Bytes that grow at the end and are then never written again.
@safe final class CacheBuffer: @unchecked Sendable {
    // @unchecked: one writer until it becomes a value, nobody after.
    private var storage: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(capacity: Int = 0) {
        unsafe storage = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
    }

    deinit { unsafe storage.deallocate() }

    /// What was written. Valid while the buffer lives and nothing is appended.
    var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(rebasing: storage[..<count]) }

    func append(_ more: UnsafeRawBufferPointer) {
        unsafe prepare(more.count).copyMemory(from: more)
        count += more.count
    }

    /// Makes room for exactly these bytes more, and lets `body` fill it; they count as written.
    func append(count more: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
        unsafe body(UnsafeMutableRawBufferPointer(rebasing: prepare(more)[..<more]))
        count += more
    }

    /// Replaces bytes that were written. The caller knows that they are there.
    func overwrite(at offset: Int, _ number: UInt32) {
        unsafe storage.storeBytes(of: number, toByteOffset: offset, as: UInt32.self)
    }

    private func prepare(_ more: Int) -> UnsafeMutableRawBufferPointer {
        if unsafe storage.count - count < more {
            let capacity = unsafe max(count + more, min(storage.count * 2, storage.count + CacheWriter.limit / 4))
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
            unsafe larger.copyMemory(from: bytes)
            unsafe storage.deallocate()
            unsafe storage = unsafe larger
        }
        return unsafe UnsafeMutableRawBufferPointer(rebasing: storage[count...])
    }
}

/// Where a source writes its result. Used by the source's thread alone, and only until the source returns.
@safe public final class CacheWriter {
    /// The most that a value may hold at all: 1 GiB.
    public static let limit = 1 << 30

    private var buffer = CacheBuffer()
    private var object: CacheObject?

    init() {}

    /// Appends bytes; copies them. False past `limit`, and nothing is written then.
    public func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= Self.limit - buffer.count else { return false }
        unsafe buffer.append(bytes)
        return true
    }

    /// Sets the result of an object cache's source; one that was set before is released.
    ///
    /// `release` is called once, on any thread, when the last user is done with the object; also when the source
    /// fails after all.
    public func setObject(
        _ object: UnsafeMutableRawPointer, cost: Int, release: @escaping @Sendable (UnsafeMutableRawPointer) -> Void
    ) {
        self.object = unsafe CacheObject(object, cost: cost, release: release)
    }

    /// The result; nil when it is not of the kind that the cache holds.
    func finish(objects: Bool) -> CacheValue.Content? {
        switch (objects, object) {
        case (true, let object?): .object(object)
        case (false, nil): .bytes(buffer)
        case (true, nil), (false, _?): nil
        }
    }
}
