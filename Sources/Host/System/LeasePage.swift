internal import CHostSystem
internal import Glibc
public import HostValues
internal import Synchronization

/// A page of memory in which the supervisor says until when its leases are valid. memfd_create(2).
///
/// Workers can read it only: nobody can map it for writing any more, once it was made.
@safe public final class LeasePage: @unchecked Sendable {
    // @unchecked: the word is atomic, and the mapping never changes.

    /// The word that is shared.
    struct Word: ~Copyable {
        let deadline: Atomic<Int64>
    }

    private static let size = 4096
    /// The number of the page's descriptor, for workers to be given, valid while this object lives; nil in a worker.
    public let raw: Int32?
    private let file: Descriptor?
    private let mapping: Mapping
    private let word: UnsafeMutablePointer<Word>

    /// Makes a page, with leases that are over.
    public init() throws(SystemError) {
        let file = Descriptor(
            owning: try retrying("memfd_create", "lease page") {
                unsafe chs_sealable("schedhost-lease", off_t(Self.size))
            })
        let mapping = try Mapping(file, size: Self.size, writable: true, subject: "lease page")
        let number = file.raw
        _ = try retrying("fcntl", "lease page") { chs_seal(number) }
        unsafe word = mapping.start.assumingMemoryBound(to: Word.self)
        self.mapping = consume mapping
        raw = number
        self.file = consume file
    }

    /// Maps the page that a worker was given.
    public init(reading file: consuming Descriptor) throws(SystemError) {
        let mapping = try Mapping(file, size: Self.size, writable: false, subject: "lease page")
        unsafe word = mapping.start.assumingMemoryBound(to: Word.self)
        self.mapping = consume mapping
        raw = nil
        self.file = nil
    }

    /// At this time no session of a leased routine lives any more. Only the supervisor sets it.
    public var deadline: BootTime {
        get { BootTime(nanoseconds: unsafe word.pointee.deadline.load(ordering: .acquiring)) }
        set { unsafe word.pointee.deadline.store(newValue.nanoseconds, ordering: .releasing) }
    }
}
