public import HostSystem
public import HostValues

/// Why a file in the plugins directory is no plugin for this host: one line with the file, the fault and the mend.
public struct Refusal: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file.
    public var path: String
    /// What is wrong with it.
    public var reason: Reason

    /// A refusal.
    public init(path: String, reason: Reason) {
        self.path = path
        self.reason = reason
    }

    /// The whole line.
    public var description: String { "\(path): \(reason)" }

    /// What can be wrong.
    public enum Reason: Error, Equatable, Sendable {
        /// A directory, pipe, socket or device.
        case notRegular(FileStatus.Kind)
        /// A link to nothing.
        case danglingLink
        /// The system does not let it be read.
        case unreadable(SystemError)
        /// Other users can write the file.
        case unsafeFile(Unsafe)
        /// Other users can write the directory.
        case unsafeDirectory(String, Unsafe)
        /// It has more bytes than are copied: `Candidate.mostBytes`.
        case tooLarge(Int)
        /// No bytes at all.
        case empty
        /// Something else than a library, such as a text.
        case notELF
        /// The file ends before a part that it announces: which, and where that ends.
        case truncated(part: String, end: UInt64, size: Int)
        /// Contents that no linker writes.
        case damaged(String)
        /// Built for another machine: its name, and this one's.
        case foreignMachine(String, ours: String)
        /// An ELF file of another kind: which.
        case notLibrary(String)
        /// A library without `.note.schedhost`.
        case noNote
        /// Built for another major of the ABI.
        case wrongMajor(theirs: UInt32, ours: UInt32)
        /// Needs a newer minor of the ABI.
        case needsMinor(theirs: UInt32, ours: PluginFile.ABI)
        /// The entry symbol is not exported.
        case noEntry(String)
        /// The entry symbol is used there, but not defined.
        case entryUndefined(String)
        /// The entry symbol is not a function.
        case entryIsData(String)
    }

    /// Who else can write something.
    public enum Unsafe: Equatable, Sendable {
        /// It belongs to a user who is neither root nor the running one.
        case owner(UInt32)
        /// Its group or everybody can write it: the permission bits.
        case mode(UInt32)

        /// What is unsafe about a file for a user; nil when nothing is.
        init?(_ status: FileStatus, user: UInt32) {
            self.init(owner: status.owner, mode: status.mode, user: user)
        }

        /// The same by owner and permission bits.
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
    /// What is wrong, and the mend.
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
    /// What is wrong with a thing, and the mend.
    public func text(_ thing: String) -> String {
        switch self {
        case .owner(let user): "\(thing) belongs to user \(user), not to root or the running user: change its owner"
        case .mode(let mode): "others can write \(thing) (mode \(String(mode, radix: 8))): chmod go-w"
        }
    }
}

extension Refusal.Reason {
    /// Whether a file that is still being written may look like that.
    public var isPerhapsUnfinished: Bool {
        switch self {
        case .empty, .truncated, .notELF, .damaged, .unreadable, .danglingLink: true
        case .notRegular, .unsafeFile, .unsafeDirectory, .tooLarge, .foreignMachine, .notLibrary,
            .noNote, .wrongMajor, .needsMinor, .noEntry, .entryUndefined, .entryIsData:
            false
        }
    }
}
