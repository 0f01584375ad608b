public import HostValues

/// What is known of each name in the plugins directory, and what follows from a look at it: a pure state machine.
///
/// Whoever uses it looks at files and performs its answers.
public struct PluginDirectory: Sendable {
    /// What a look at a file depended on: while none of it changes, the file need not be looked at again.
    public struct Stamp: Equatable, Sendable {
        let file: FileStatus
        let directoryMode: UInt32
        let directoryOwner: UInt32
        let libraries: [FileStatus?]

        /// The stamp of a file (a link's target) in a directory, and of the libraries there that it wants.
        public init(file: FileStatus, directory: FileStatus, libraries: [FileStatus?] = []) {
            self.file = file
            self.libraries = libraries
            directoryMode = directory.mode
            directoryOwner = directory.owner
        }
    }

    /// What a look has found.
    public enum Sight: Equatable, Sendable {
        /// No such name.
        case absent
        /// Somebody writes it.
        case busy
        /// No plugin, but perhaps only not whole yet.
        case incomplete(why: String)
        /// Something else than the file is at fault, and a later look will tell.
        case unclear(why: String)
        /// No plugin.
        case refused(why: String)
        /// A library that a plugin needs.
        case library
        /// A plugin with that content.
        case plugin(content: String)
    }

    /// What is to be done.
    public enum Action: Equatable, Sendable {
        /// Nothing: all is as it was.
        case none
        /// A new plugin.
        case add
        /// Another content: the old one ends, the new one begins.
        case replace
        /// The same content with other times or permissions: of interest only where that content could not be loaded.
        case retry
        /// The file is gone, and its plugin ends.
        case remove
        /// Say once why the file is no plugin, or cannot be told to be one.
        case refuse(why: String)
        /// The same for what was a plugin: it ends.
        case withdraw(why: String)
    }

    /// How long a file may stay incomplete before that is said, ns. Each event begins it anew.
    public static let patience: Int64 = 1_000_000_000

    private enum Standing: Equatable {
        case unknown
        case plugin(content: String)
        case refused(why: String)
    }

    private struct Entry {
        var standing = Standing.unknown
        var stamp: Stamp?
        /// What is to be said when nothing better comes.
        var gracePeriod: (why: String, at: MonotonicTime)?
        /// Why the last look could not tell; it has been said.
        var unclear: String?
    }

    private var entries: [String: Entry] = [:]

    /// Nothing is known.
    public init() {}

    /// The names that something is known of.
    public var names: [String] { entries.keys.sorted() }

    /// The files that were found to be no plugins, with why.
    public var refusals: [(name: String, why: String)] {
        entries.sorted { $0.key < $1.key }.compactMap { name, entry in
            if case .refused(let why) = entry.standing { (name, why) } else { nil }
        }
    }

    /// Whether a look would find what the last one found.
    public func isKnown(_ name: String, _ stamp: Stamp) -> Bool { entries[name]?.stamp == stamp }

    /// The content that a name was last seen with, while it is a plugin.
    public func content(of name: String) -> String? {
        if case .plugin(let content)? = entries[name]?.standing { content } else { nil }
    }

    /// Takes what a look has found. `stamp` is nil when the file may change without its stamp changing: see `isFresh`.
    ///
    /// With `isPatient` an incomplete file has its time; without, it is refused at once.
    public mutating func take(_ name: String, _ sight: Sight, stamp: Stamp?, isPatient: Bool, at now: MonotonicTime)
        -> Action
    {
        var entry = entries[name] ?? Entry()
        defer { if sight != .absent { entries[name] = entry } }
        entry.gracePeriod = nil
        let said = entry.unclear
        entry.unclear = nil
        switch sight {
        case .absent:
            entries[name] = nil
            if case .plugin = entry.standing { return .remove }
            return .none
        case .busy:
            entry.stamp = nil
            return .none
        case .incomplete(let why):
            if isPatient, entry.standing != .refused(why: why) {
                entry.stamp = nil
                entry.gracePeriod = (why, now + Self.patience)
                return .none
            }
            entry.stamp = stamp
            return Self.refuse(&entry, why)
        case .unclear(let why):
            // What runs goes on.
            entry.stamp = nil
            entry.unclear = why
            return said == why ? .none : .refuse(why: why)
        case .refused(let why):
            entry.stamp = stamp
            return Self.refuse(&entry, why)
        case .library:
            entry.stamp = stamp
            if case .plugin = entry.standing {
                return Self.refuse(&entry, "a library that other plugins need, and no plugin")
            }
            entry.standing = .unknown
            return .none
        case .plugin(let content):
            defer { entry.stamp = stamp }
            let before = entry.standing
            entry.standing = .plugin(content: content)
            guard case .plugin(let old) = before else { return .add }
            if old != content { return .replace }
            return entry.stamp == stamp && stamp != nil ? .none : .retry
        }
    }

    private static func refuse(_ entry: inout Entry, _ why: String) -> Action {
        let before = entry.standing
        entry.standing = .refused(why: why)
        switch before {
        case .unknown: return .refuse(why: why)
        case .refused(let old): return old == why ? .none : .refuse(why: why)
        case .plugin: return .withdraw(why: why)
        }
    }

    /// When a file's patience is over next, or `Int64.max`.
    public var deadline: MonotonicTime { entries.values.reduce(.never) { min($0, $1.gracePeriod?.at ?? .never) } }

    /// The files whose patience is over, with what is to be done.
    public mutating func expire(at now: MonotonicTime) -> [(name: String, action: Action)] {
        var due: [(name: String, action: Action)] = []
        for (name, var entry) in entries.sorted(by: { $0.key < $1.key }) {
            guard let gracePeriod = entry.gracePeriod, gracePeriod.at <= now else { continue }
            entry.gracePeriod = nil
            due.append((name, Self.refuse(&entry, gracePeriod.why)))
            entries[name] = entry
        }
        return due
    }

    /// Whether a file was changed so recently that it may change again without its time changing: the kernel's clock
    /// for files goes in steps of up to 10 ms. `wall` is now.
    public static func isFresh(_ file: FileStatus, wall: WallTime) -> Bool {
        max(file.modified, file.changed) > wall - 100_000_000
    }
}
