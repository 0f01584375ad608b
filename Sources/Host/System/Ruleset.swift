internal import CHostSystem
internal import Glibc

/// Rules for files, ports and signals, made by one process for others to enforce on themselves. Any number of processes
/// may do so; for those that did, rules that are added later do not count. landlock(7)
///
/// It keeps the files that it has rules for from being freed after they were removed, but no file system from being
/// unmounted; rules for what was unmounted are without effect.
public final class Ruleset: Sendable {
    /// The descriptor, which a process needs to enforce the rules.
    public let descriptor: Descriptor

    /// Makes a ruleset that permits nothing of what it handles: the kernel's bits, as far as it supports them.
    public init(files: UInt64, ports: UInt64, scopes: UInt64) throws(SystemError) {
        descriptor = Descriptor(
            owning: try retrying("landlock_create_ruleset", "sandbox") { chs_ruleset_make(files, ports, scopes) })
    }

    /// A ruleset that this process has inherited.
    public init(inherited: consuming Descriptor) { descriptor = inherited }

    /// Permits operations beneath a place; for a file, those of the rights that files can have.
    public func allow(_ rights: UInt64, at place: Place) throws(SystemError) {
        _ = try retrying("landlock_add_rule", "sandbox") {
            chs_ruleset_allow(descriptor.raw, rights, place.descriptor.raw, place.identity.isFolder ? 1 : 0)
        }
    }

    /// The same beneath many places.
    public func allow(_ rights: UInt64, at places: borrowing Places) throws(SystemError) {
        _ = try retrying("landlock_add_rule", "sandbox") {
            unsafe chs_ruleset_allow_all(descriptor.raw, rights, places.numbers, places.places.count)
        }
    }

    /// Permits operations on a TCP port.
    public func allow(_ rights: UInt64, port: UInt16) throws(SystemError) {
        _ = try retrying("landlock_add_rule", "sandbox") {
            chs_ruleset_allow_port(descriptor.raw, rights, UInt64(port))
        }
    }

    /// What a path leads to. While the file is open, or a ruleset has a rule for it, no other file has its identity.
    public struct Identity: Hashable, Sendable {
        private let device: UInt64
        private let inode: UInt64
        /// When the file was created, in ns; 0 if the file system does not tell.
        private let born: Int64
        /// The mount by which it was reached; 0 if the kernel does not tell.
        public let mount: UInt64
        /// Whether it is a directory.
        public let isFolder: Bool

        fileprivate init(_ found: chs_place) {
            device = found.device
            inode = found.inode
            born = found.born
            mount = found.mount
            isFolder = found.is_folder != 0
        }

        /// Follows links; nil if the path leads nowhere. statx(2)
        public init?(of path: String) {
            var found = chs_place()
            guard unsafe chs_place_look(-1, path, &found) == 0 else { return nil }
            self.init(found)
        }
    }

    /// Places that many rulesets have the same rule for. They stay open with it.
    public struct Places: ~Copyable, Sendable {
        fileprivate private(set) var places: [Place] = []
        /// Of each place its descriptor, and 1 for a folder or else 0.
        fileprivate private(set) var numbers: [Int32] = []

        /// Makes an empty list.
        public init() {}

        /// Adds a place.
        public mutating func append(_ place: Place) {
            places.append(place)
            numbers += [place.descriptor.raw, place.identity.isFolder ? 1 : 0]
        }
    }

    /// An open file or directory that rules can be made for. It cannot be read by this. While it is open, its file system
    /// cannot be unmounted. open(2), `O_PATH`
    public final class Place: Sendable {
        fileprivate let descriptor: Descriptor
        /// What was opened.
        public let identity: Identity

        /// Opens a path; nil if it leads nowhere, or if it must lead there without links (`isExact`) and does not.
        public init?(_ path: String, isExact: Bool = false) throws(SystemError) {
            let number: Int32
            do throws(SystemError) {
                number = try retrying("open", path) {
                    unsafe isExact ? chs_place_open_exact(path) : chs_place_open(path)
                }
            } catch {
                // What cannot be opened for another reason cannot be reached by the worker either.
                if [EMFILE, ENFILE, ENOMEM].contains(error.number) { throw error }
                return nil
            }
            let opened = Descriptor(owning: number)
            var found = chs_place()
            guard unsafe chs_place_look(number, path, &found) == 0 else { return nil }
            identity = Identity(found)
            descriptor = opened
        }
    }
}
