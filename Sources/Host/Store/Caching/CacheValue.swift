internal import HostSystem
internal import HostValues
public import Synchronization

/// An immutable value of a cache: bytes or an object, at an address that does not change while the value lives.
///
/// References keep it alive; a pin is such a reference. An object's release function runs when the last reference is
/// dropped, on whichever thread does so, and never under a lock of the caches.
///
/// There is one exception to "immutable", which nobody can notice: a value that nobody has been given may be made another
/// one (`renew`).
@safe public final class CacheValue: @unchecked Sendable {
    // @unchecked: the bytes are not written after init, but in `renew`; everything else that changes is atomic.

    /// The content of a value.
    @safe enum Content {
        /// A few bytes, which the value copies; see `FewBytes`.
        case few(UnsafeRawBufferPointer)
        case bytes(CacheBytes)
        case object(CacheObject)
    }

    /// What keeps the content alive.
    private enum Owner {
        case value
        case bytes(CacheBytes)
        case object(CacheObject)
    }

    /// First in the object, so that it is aligned as all memory of the caches is.
    private let few = FewBytes()
    private let owner: Owner
    /// Where the bytes are, or the object itself.
    @usableFromInline let place: UnsafeMutableRawPointer?
    @usableFromInline let version: Atomic<UInt64>
    @usableFromInline let number: Atomic<UInt64>
    private let made: Atomic<Int64>
    /// The key of its entry; empty for the unkeyed value.
    let key: [UInt8]
    /// The time of the last use in boot-clock ns, doubled, and 1 more if the value was handed out: one store notes both.
    private let mark: Atomic<Int64>
    /// The round of `DeferredRelease` in which the value was added last, so that it is not added twice.
    let parked = Atomic<UInt64>(0)
    /// The number of bytes, which is at most `CacheWriter.limit`; negative for an object.
    @usableFromInline let size: Atomic<Int32>
    /// The code of the last failed load since the value was made; 0 if there was none.
    let failure = Atomic<Int32>(0)

    /// The bytes; empty for an object.
    public var bytes: UnsafeRawBufferPointer {
        @inlinable get {
            let count = size.load(ordering: .relaxed)
            if count < 0 { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
            return unsafe UnsafeRawBufferPointer(start: place, count: Int(count))
        }
    }
    /// The object; nil for bytes.
    public var object: UnsafeMutableRawPointer? {
        @inlinable get { unsafe size.load(ordering: .relaxed) < 0 ? place : nil }
    }
    /// The same together: where the bytes are and how many, and the object.
    public var parts: (data: UnsafeRawPointer?, size: Int, object: UnsafeMutableRawPointer?) {
        @inlinable get {
            let count = size.load(ordering: .relaxed)
            return unsafe count < 0 ? (nil, 0, place) : (UnsafeRawPointer(place), Int(count), nil)
        }
    }
    /// Grows with each load and put of the cache.
    public var generation: UInt64 { @inlinable get { version.load(ordering: .relaxed) } }
    /// A number that is unique among all values of this process, unlike the address, which is reused.
    public var serial: UInt64 { @inlinable get { number.load(ordering: .relaxed) } }
    /// When its load completed; `longAgo` if that is unknown.
    var produced: BootTime { BootTime(nanoseconds: made.load(ordering: .relaxed)) }
    /// When it was last served.
    var used: BootTime { BootTime(nanoseconds: mark.load(ordering: .relaxed) >> 1) }
    /// Whether a hit may have handed the value out without taking a reference; then a caller that replaces it must defer
    /// its release (`DeferredRelease`).
    var isSeen: Bool { mark.load(ordering: .relaxed) & 1 != 0 }

    init(
        _ content: Content, key: [UInt8], generation: UInt64, serial: UInt64, produced: BootTime?, now: BootTime
    ) {
        self.key = key
        switch content {
        case .few(let given):
            owner = .value
            unsafe place = unsafe few.copy(given)
            size = Atomic(Int32(clamping: given.count))
        case .bytes(let held):
            owner = .bytes(held)
            unsafe place = unsafe UnsafeMutableRawPointer(mutating: held.bytes.baseAddress)
            size = unsafe Atomic(Int32(clamping: held.bytes.count))
        case .object(let held):
            owner = .object(held)
            unsafe place = unsafe held.pointer
            size = Atomic(-1)
        }
        version = Atomic(generation)
        number = Atomic(serial)
        made = Atomic((produced ?? .longAgo).nanoseconds)
        mark = Atomic(Self.mark(now, isSeen: false))
    }

    private static func mark(_ time: BootTime, isSeen: Bool) -> Int64 { time.nanoseconds << 1 | (isSeen ? 1 : 0) }

    /// Notes that it was served at that time. Who was given it with a reference counts as one who was not: to tell them apart,
    /// one thread would have to wait for the other's mark.
    @inline(__always)
    func use(at now: BootTime) { mark.store(Self.mark(now, isSeen: true), ordering: .relaxed) }

    /// Notes that it was handed out, and is not to count as used. Call it on the thread of the routine's callback.
    @inline(__always)
    func see() { mark.store(mark.load(ordering: .relaxed) | 1, ordering: .relaxed) }

    /// Whether `renew` can give it so many bytes, provided that the caller has the only reference to it.
    ///
    /// Who was given a value holds a reference, or has it by a hit of the callback in progress or of an earlier one. To
    /// release a value and make another one takes longer than all else that a put of a few bytes does.
    func canRenew(_ count: Int) -> Bool {
        guard count <= FewBytes.capacity, case .value = owner else { return false }
        return !isSeen
    }

    /// Makes it another value, with a copy of these bytes and the key that it has. Call it under the cache's lock, on the
    /// thread of the routine's callback in progress, which alone has values without a reference.
    func renew(_ given: UnsafeRawBufferPointer, generation: UInt64, serial: UInt64, produced: BootTime) {
        _ = unsafe few.copy(given)
        size.store(Int32(clamping: given.count), ordering: .relaxed)
        version.store(generation, ordering: .relaxed)
        number.store(serial, ordering: .relaxed)
        made.store(produced.nanoseconds, ordering: .relaxed)
        mark.store(Self.mark(produced, isSeen: false), ordering: .relaxed)
        failure.store(0, ordering: .relaxed)
    }

    /// Whether that is its key.
    @inline(__always)
    func isOf(_ key: UnsafeRawBufferPointer) -> Bool {
        unsafe self.key.withUnsafeBytes { unsafe $0.count == key.count && $0.elementsEqual(key) }
    }

    /// The bytes charged to the memory budget.
    var cost: Int {
        if case .object(let held) = owner { return held.cost }
        return Int(max(0, size.load(ordering: .relaxed)))
    }

    /// Whether releasing the value runs plugin code.
    var isObject: Bool {
        switch owner {
        case .value, .bytes: false
        case .object: true
        }
    }

    /// The CRC-32C of the bytes.
    var checksum: UInt32 {
        switch owner {
        case .value: unsafe Checksum.crc32c(bytes)
        case .bytes(let held): held.checksum
        case .object: 0
        }
    }

    /// A copy of the bytes.
    public var array: [UInt8] { unsafe [UInt8](bytes) }
}

/// Room for a few bytes inside of an object, at an address that does not change while the object lives. A value of a few
/// bytes needs no memory beside its object.
///
/// It is made of atomics, which are neither copied nor moved as other values are: so their address is the same each time.
@safe struct FewBytes: ~Copyable, Sendable {
    /// The number of bytes that have room.
    static let capacity = 32

    // Not an `InlineArray`: its end would be a call for each element.
    private let first = Atomic<UInt64>(0)
    private let second = Atomic<UInt64>(0)
    private let third = Atomic<UInt64>(0)
    private let fourth = Atomic<UInt64>(0)

    @inline(__always)
    private var all: UnsafeMutableRawBufferPointer {
        unsafe withUnsafePointer(to: self) { own in
            let place = unsafe UnsafeMutableRawPointer(mutating: UnsafeRawPointer(own))
            return unsafe UnsafeMutableRawBufferPointer(start: place, count: Self.capacity)
        }
    }

    /// The first `count` bytes, valid while the object lives.
    @inline(__always)
    func bytes(_ count: Int) -> UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(rebasing: all[..<count]) }

    /// Copies bytes to that place; the caller has seen to it that there is room. Returns where the first one is of all.
    @inline(__always)
    func copy(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) -> UnsafeMutableRawPointer? {
        unsafe UnsafeMutableRawBufferPointer(rebasing: all[offset...]).copyMemory(from: bytes)
        return unsafe all.baseAddress
    }
}

/// Numbers that no two values of this process have in common. They are taken many at a time, since all processors have to
/// agree on each number that is taken by itself.
struct SerialNumbers {
    private static let taken = Atomic<UInt64>(0)
    private static let many: UInt64 = 1 << 16

    private var last: UInt64 = 0
    private var end: UInt64 = 0

    /// The next one; never 0.
    mutating func next() -> UInt64 {
        if last == end {
            end = Self.taken.add(Self.many, ordering: .relaxed).newValue
            last = end - Self.many
        }
        last += 1
        return last
    }
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
