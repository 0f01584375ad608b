internal import CHostSystem
internal import Glibc

/// Reports changes in directories and files. inotify(7).
public struct FileWatch: ~Copyable {
    /// Identifies one watch; the kernel never reuses a number within one instance.
    public struct Mark: Hashable, Sendable {
        let number: Int32
    }

    /// The kinds of changes in one event.
    public struct Kinds: OptionSet, Sendable {
        /// The kernel's bits (`IN_...`).
        public let rawValue: UInt32

        /// Makes a set from the kernel's bits.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// A file's content or size has changed; a writer may still have it open.
        public static let modified = Kinds(rawValue: 0x2)
        /// Permissions, owner or times have changed; without a name, those of the directory itself.
        public static let attributes = Kinds(rawValue: 0x4)
        /// A file that was open for writing was closed, and its memory mappings have ended.
        public static let written = Kinds(rawValue: 0x8)
        /// An entry was moved out of the directory.
        public static let movedAway = Kinds(rawValue: 0x40)
        /// An entry was moved into the directory.
        public static let movedHere = Kinds(rawValue: 0x80)
        /// An entry was created: a file that is about to be written, or a link, which is complete at once.
        public static let created = Kinds(rawValue: 0x100)
        /// An entry was deleted.
        public static let deleted = Kinds(rawValue: 0x200)
        /// The directory itself was deleted or moved.
        public static let selfGone = Kinds(rawValue: 0x400 | 0x800)
        /// The file system of the directory was unmounted.
        public static let unmounted = Kinds(rawValue: 0x2000)
        /// Events were lost, so everything must be scanned again.
        public static let overflow = Kinds(rawValue: 0x4000)
        /// The watch has ended; it reports no more events.
        public static let ended = Kinds(rawValue: 0x8000)

        /// The kinds that a watch asks for; the kernel reports the others unasked.
        static let asked: Kinds = [
            .modified, .attributes, .written, .movedAway, .movedHere, .created, .deleted, .selfGone,
        ]
    }

    /// One event.
    public struct Event: Sendable {
        /// The watched directory or file; nil for an overflow.
        public let mark: Mark?
        /// What has happened.
        public let kinds: Kinds
        /// The entry's name; nil for the directory itself, and empty if the name is not UTF-8.
        public let name: String?
    }

    /// Readable when events are waiting.
    public let descriptor: Descriptor

    /// Makes an instance that watches nothing yet. inotify_init1(2).
    public init() throws(SystemError) {
        descriptor = Descriptor(
            owning: try retrying("inotify_init1", "file watch") { inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)) })
    }

    /// Watches the directory that the path leads to now. A directory that is watched already is watched for both
    /// purposes. inotify_add_watch(2).
    ///
    /// With `names` it reports only which entries come and go: that spares the events for each write, where file
    /// contents do not matter.
    public func add(_ path: String, names: Bool = false) throws(SystemError) -> Mark {
        let asked = names ? Kinds.asked.subtracting([.modified, .attributes, .written]) : Kinds.asked
        let mask = asked.rawValue | 0x0100_0000 | 0x2000_0000  // IN_ONLYDIR, IN_MASK_ADD
        return Mark(
            number: try retrying("inotify_add_watch", path) { unsafe inotify_add_watch(descriptor.raw, path, mask) })
    }

    /// Watches a directory only for being moved or deleted itself. inotify_add_watch(2).
    public func addPlace(_ path: String) throws(SystemError) -> Mark {
        let mask = Kinds.selfGone.rawValue | 0x0100_0000 | 0x2000_0000  // IN_ONLYDIR, IN_MASK_ADD
        return Mark(
            number: try retrying("inotify_add_watch", path) { unsafe inotify_add_watch(descriptor.raw, path, mask) })
    }

    /// Watches one file by its inode, so that a write through another of its names, or through the file it is a mount
    /// of, is seen too. inotify_add_watch(2).
    public func addFile(_ path: String) throws(SystemError) -> Mark {
        let kinds: Kinds = [.modified, .attributes, .written, .selfGone]
        let mask = kinds.rawValue | 0x2000_0000  // IN_MASK_ADD
        return Mark(
            number: try retrying("inotify_add_watch", path) { unsafe inotify_add_watch(descriptor.raw, path, mask) })
    }

    /// Tests whether the system really reports events in a directory: opens the directory and looks for the event.
    /// Returns true if no watch can be had, since nothing is known then. Call it before anything is watched.
    public func answers(_ path: String) -> Bool {
        let opened: UInt32 = 0x20  // IN_OPEN
        let number = unsafe inotify_add_watch(descriptor.raw, path, opened | 0x0100_0000)
        guard number >= 0, (try? Directory(path)) != nil else { return true }
        let isTold = take().contains { $0.mark?.number == number && $0.kinds.rawValue & opened != 0 }
        remove(Mark(number: number))
        while !take().isEmpty {}
        return isTold
    }

    /// Removes a watch; it is no error if it has ended by itself. inotify_rm_watch(2).
    public func remove(_ mark: Mark) {
        _ = inotify_rm_watch(descriptor.raw, mark.number)
    }

    /// Takes the waiting events without blocking, at most 64 KiB of them.
    public func take() -> [Event] {
        unsafe withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 8) { buffer in
            let size = unsafe Glibc.read(descriptor.raw, buffer.baseAddress, buffer.count)
            var events: [Event] = []
            var at = 0
            while at + 16 <= size {
                let number = unsafe buffer.loadUnaligned(fromByteOffset: at, as: Int32.self)
                let kinds = unsafe Kinds(rawValue: buffer.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self))
                let length = Int(unsafe buffer.loadUnaligned(fromByteOffset: at + 12, as: UInt32.self))
                let end = min(at + 16 + length, size)
                let text = unsafe UnsafeRawBufferPointer(rebasing: buffer[(at + 16)..<end]).prefix { $0 != 0 }
                let name = unsafe length == 0 ? nil : String(validating: text, as: UTF8.self) ?? ""
                events.append(Event(mark: number < 0 ? nil : Mark(number: number), kinds: kinds, name: name))
                at = end
            }
            return events
        }
    }
}

extension Descriptor {
    static let leaseRequest: Int32 = 1024  // F_SETLEASE, declared for _GNU_SOURCE only

    /// The kernel signals a broken lease by SIGIO, whose default action ends the process; the initializer has it
    /// ignored.
    private static let ignoresLeaseBreaks: Bool = {
        _ = signal(SIGIO, SIG_IGN)
        return true
    }()

    /// Whether any process has this file, which we opened for reading, open or mapped for writing; nil if the system
    /// does not tell. Takes a read lease, which fails while there is a writer, and releases it at once. fcntl(2),
    /// "Leases".
    public var hasWriter: Bool? {
        guard Self.ignoresLeaseBreaks else { return nil }
        if chs_fcntl(raw, Self.leaseRequest, Int(F_RDLCK)) == 0 {
            _ = chs_fcntl(raw, Self.leaseRequest, Int(F_UNLCK))
            return false
        }
        return chs_errno() == EAGAIN ? true : nil
    }

    /// Sets the permission bits. fchmod(2).
    public func setMode(_ mode: UInt32, subject: String) throws(SystemError) {
        _ = try retrying("fchmod", subject) { fchmod(raw, mode) }
    }
}
