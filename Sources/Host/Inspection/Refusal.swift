public import HostSystem
public import HostValues

/// The reason why a file in the plugins directory is not a plugin for this host, in one line with the file, the error
/// and the remedy.
public struct Refusal: Error, Equatable, Sendable, CustomStringConvertible {
    /// The path of the file.
    public var path: String
    /// The error.
    public var reason: Reason

    /// Creates a refusal.
    public init(path: String, reason: Reason) {
        self.path = path
        self.reason = reason
    }

    /// The path and the error in one line.
    public var description: String { "\(path): \(reason)" }

    /// The errors that lead to a refusal.
    public enum Reason: Error, Equatable, Sendable {
        /// The entry is a directory, pipe, socket or device.
        case notRegular(FileStatus.Kind)
        /// The entry is a link whose target does not exist.
        case danglingLink
        /// The system refuses to open or read the file.
        case unreadable(SystemError)
        /// Other users can write to the file.
        case unsafeFile(Unsafe)
        /// Other users can write to the directory.
        case unsafeDirectory(String, Unsafe)
        /// The file is larger than `Candidate.mostBytes`, the bound for copies.
        case tooLarge(Int)
        /// The file has no bytes.
        case empty
        /// The file is not an ELF file but, for example, a text.
        case notELF
        /// The file ends before the end of a part that its headers announce.
        case truncated(part: String, end: UInt64, size: Int)
        /// The content is such as no linker produces.
        case damaged(String)
        /// The file was built for another machine; the values are the names of that machine and of this one.
        case foreignMachine(String, ours: String)
        /// The file is another kind of ELF file.
        case notLibrary(String)
        /// The library has no `.note.schedhost`.
        case noNote
        /// The plugin was built for another major version of the ABI.
        case wrongMajor(theirs: UInt32, ours: UInt32)
        /// The plugin requires a newer minor version of the ABI.
        case needsMinor(theirs: UInt32, ours: PluginFile.ABI)
        /// The library does not export the entry symbol.
        case noEntry(String)
        /// The library refers to the entry symbol but does not define it.
        case entryUndefined(String)
        /// The entry symbol is not a function.
        case entryIsData(String)
    }

    /// The reason why other users can write to a file or directory.
    public enum Unsafe: Equatable, Sendable {
        /// The owner is neither root nor the user who runs the host.
        case owner(UInt32)
        /// The group or all users can write; the value has the permission bits.
        case mode(UInt32)

        /// The reason why a file is unsafe for a user; nil if it is safe.
        init?(_ status: FileStatus, user: UInt32) {
            self.init(owner: status.owner, mode: status.mode, user: user)
        }

        /// The reason why other users can rename what is in a directory; nil if they cannot. With `hasUnknownUsers`,
        /// nobody in this container can act as the owner of what belongs to the overflow id: see user_namespaces(7).
        ///
        /// A group may write that the host itself is in, as the own group of a user, or to which root has given its
        /// directory, as `/usr/local` to staff. All may write in a volume that root has mounted there: container
        /// platforms make them so.
        public init?(
            parent status: FileStatus, user: UInt32, groups: Set<UInt32> = [], isVolume: Bool = false,
            hasUnknownUsers: Bool = false
        ) {
            let overflow: UInt32 = 65_534
            let owner = hasUnknownUsers && status.owner == overflow ? 0 : status.owner
            let isSticky = status.mode & 0o1000 != 0
            let isOfRoot = owner == 0
            let trusted: UInt32 =
                isSticky || isVolume && isOfRoot ? 0o022 : isOfRoot || groups.contains(status.group) ? 0o020 : 0
            guard let fault = Self(owner: owner, mode: status.mode & ~trusted, user: user) else { return nil }
            // The message shows the directory's mode as it is.
            if case .mode = fault { self = .mode(status.mode) } else { self = fault }
        }

        /// The reason, from an owner and permission bits; nil if they are safe.
        public init?(owner: UInt32, mode: UInt32, user: UInt32) {
            if owner != 0, owner != user {
                self = .owner(owner)
            } else if mode & 0o022 != 0 {
                self = .mode(mode)
            } else {
                return nil
            }
        }
    }
}

extension Refusal.Reason: CustomStringConvertible {
    /// The error with its remedy.
    public var description: String {
        switch self {
        case .notRegular(let kind): "\(kind), not a regular file: move it out of the plugins directory"
        case .danglingLink: "a link to a file that does not exist: remove it, or restore its target"
        case .unreadable(let error): "cannot be read: \(error)"
        case .unsafeFile(let fault): "unsafe: \(fault.text("it")), or allow it with --allow-unsafe-permissions"
        case .unsafeDirectory(let path, let fault):
            "unsafe: \(fault.text("its directory \(path)")), or allow it with --allow-unsafe-permissions"
        case .tooLarge(let size):
            "larger than a plugin may be (\(size >> 20) MiB; \(Candidate.mostBytes >> 20) MiB at most): strip it, or keep its data in another file"
        case .empty: "an empty file: build or copy it again"
        case .notELF: "not an ELF file, so no shared library: build it with cc -shared or swiftc -emit-library"
        case .truncated(let part, let end, let size):
            "truncated: \(part) would end at byte \(end), the file ends at \(size): copy it again"
        case .damaged(let what): "damaged: \(what): build or copy it again"
        case .foreignMachine(let theirs, let ours): "built for \(theirs), this machine is \(ours): build it for \(ours)"
        case .notLibrary(let kind): "\(kind), not a shared library: link it with -shared -fPIC"
        case .noNote: "has no .note.schedhost and is not a schedhost plugin: add SCHEDHOST_PLUGIN, or move it elsewhere"
        case .wrongMajor(let theirs, let ours):
            "built for ABI \(theirs), this host has \(ours): rebuild it against this host's header"
        case .needsMinor(let theirs, let ours):
            "needs ABI \(ours.major).\(theirs), this host has \(ours.major).\(ours.minor): use a newer host"
        case .noEntry(let symbol):
            "does not export \(symbol): add SCHEDHOST_PLUGIN (in Swift a public @c function of that name), and do not hide it"
        case .entryUndefined(let symbol): "uses \(symbol) without defining it: add SCHEDHOST_PLUGIN"
        case .entryIsData(let symbol): "exports \(symbol) as data: it must be a function"
        }
    }
}

extension Refusal.Unsafe {
    /// The error with its remedy, in a sentence about `thing`.
    public func text(_ thing: String) -> String {
        switch self {
        case .owner(let user): "\(thing) belongs to user \(user), not to root or the running user: change its owner"
        case .mode(let mode): "others can write \(thing) (mode \(String(mode, radix: 8))): chmod go-w"
        }
    }
}

extension Refusal.Reason {
    /// Whether a file that is still being written can cause this error.
    public var isPerhapsUnfinished: Bool {
        switch self {
        case .empty, .truncated, .notELF, .damaged, .unreadable, .danglingLink: true
        case .notRegular, .unsafeFile, .unsafeDirectory, .tooLarge, .foreignMachine, .notLibrary,
            .noNote, .wrongMajor, .needsMinor, .noEntry, .entryUndefined, .entryIsData:
            false
        }
    }
}
