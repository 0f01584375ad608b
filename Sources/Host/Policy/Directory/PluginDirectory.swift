public import HostValues

/// What is known of each name in the plugins directory, and what follows from an inspection of its file: a pure state
/// machine.
///
/// The caller inspects files and performs the actions.
public struct PluginDirectory: Sendable {
    /// Everything that the result of an inspection depends on: while it is unchanged, the file need not be inspected
    /// again.
    public struct Stamp: Equatable, Sendable {
        /// The file's status.
        public let file: FileStatus
        let directoryMode: UInt32
        let directoryOwner: UInt32
        let libraries: [FileStatus?]

        /// Creates the stamp of a file (the target, for a link) in a directory, and of the libraries there that it
        /// needs.
        public init(file: FileStatus, directory: FileStatus, libraries: [FileStatus?] = []) {
            self.file = file
            self.libraries = libraries
            directoryMode = directory.mode
            directoryOwner = directory.owner
        }
    }

    /// The result of inspecting a name.
    public enum Finding: Equatable, Sendable {
        /// There is no file of that name.
        case absent
        /// Another process has the file open for writing.
        case busy
        /// The file is not a plugin, but may still be incomplete.
        case incomplete(why: String)
        /// The inspection failed for a reason outside the file, so that a later one may succeed.
        case unclear(why: String)
        /// The file is not a plugin.
        case refused(why: String)
        /// The file is a library that plugins need.
        case library
        /// The file is a plugin with that content.
        case plugin(content: String)
    }

    /// What the caller must do.
    public enum Action: Equatable, Sendable {
        /// Nothing has changed.
        case none
        /// There is a new plugin.
        case add
        /// The plugin has a new content: the old one ends, then the new one begins.
        case replace
        /// The content is the same, but times or permissions differ. This matters only if the content could not be
        /// loaded before.
        case retry
        /// The file is gone, and its plugin ends.
        case remove
        /// Report once why the file is not a plugin, or why that cannot be determined.
        case refuse(why: String)
        /// Report why a file that was a plugin no longer is one; the plugin ends.
        case withdraw(why: String)
    }

    /// How long a file may stay incomplete before that is reported, in ns. Each event restarts this grace period.
    public static let patience: Int64 = 1_000_000_000

    private enum Verdict: Equatable {
        case unknown
        case plugin(content: String)
        case refused(why: String)
    }

    private struct Entry {
        var verdict = Verdict.unknown
        var stamp: Stamp?
        /// The error to report at the end of the grace period, unless a later inspection has another result.
        var gracePeriod: (why: String, at: MonotonicTime)?
        /// Why the last inspection failed, if it did; this has been reported.
        var unclear: String?
    }

    private var entries: [String: Entry] = [:]
    /// Why files are no plugins, by name: among many files they are asked for often, and few.
    private var refused: [String: String] = [:]

    /// Creates a directory without known names.
    public init() {}

    /// The known names, sorted.
    public var names: [String] { entries.keys.sorted() }

    /// The files that are not plugins, with the reasons.
    public var refusals: [(name: String, why: String)] {
        refused.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Whether an inspection would have the same result as the last one.
    public func isKnown(_ name: String, _ stamp: Stamp) -> Bool { entries[name]?.stamp == stamp }

    /// The content with which a name was last seen; nil if it is not a plugin.
    public func content(of name: String) -> String? {
        if case .plugin(let content)? = entries[name]?.verdict { content } else { nil }
    }

    /// Takes the result of an inspection. `stamp` must be nil if the file may change without a change of its stamp: see
    /// `isFresh`.
    ///
    /// With `isPatient` an incomplete file gets a grace period; otherwise it is refused at once.
    public mutating func take(_ name: String, _ finding: Finding, stamp: Stamp?, isPatient: Bool, at now: MonotonicTime)
        -> Action
    {
        var entry = entries[name] ?? Entry()
        defer { if finding != .absent { set(name, entry) } }
        entry.gracePeriod = nil
        let said = entry.unclear
        entry.unclear = nil
        switch finding {
        case .absent:
            set(name, nil)
            if case .plugin = entry.verdict { return .remove }
            return .none
        case .busy:
            entry.stamp = nil
            return .none
        case .incomplete(let why):
            if isPatient, entry.verdict != .refused(why: why) {
                entry.stamp = nil
                entry.gracePeriod = (why, now + Self.patience)
                return .none
            }
            entry.stamp = stamp
            return Self.refuse(&entry, why)
        case .unclear(let why):
            // A plugin that is running continues to run.
            entry.stamp = nil
            entry.unclear = why
            return said == why ? .none : .refuse(why: why)
        case .refused(let why):
            entry.stamp = stamp
            return Self.refuse(&entry, why)
        case .library:
            entry.stamp = stamp
            if case .plugin = entry.verdict {
                return Self.refuse(&entry, "a library that other plugins need, and no plugin")
            }
            entry.verdict = .unknown
            return .none
        case .plugin(let content):
            defer { entry.stamp = stamp }
            let before = entry.verdict
            entry.verdict = .plugin(content: content)
            guard case .plugin(let old) = before else { return .add }
            if old != content { return .replace }
            return entry.stamp == stamp && stamp != nil ? .none : .retry
        }
    }

    private mutating func set(_ name: String, _ entry: Entry?) {
        entries[name] = entry
        if case .refused(let why)? = entry?.verdict { refused[name] = why } else { refused[name] = nil }
    }

    private static func refuse(_ entry: inout Entry, _ why: String) -> Action {
        let before = entry.verdict
        entry.verdict = .refused(why: why)
        switch before {
        case .unknown: return .refuse(why: why)
        case .refused(let old): return old == why ? .none : .refuse(why: why)
        case .plugin: return .withdraw(why: why)
        }
    }

    /// The earliest end of a file's grace period; `never` if there is none.
    public var deadline: MonotonicTime { entries.values.reduce(.never) { min($0, $1.gracePeriod?.at ?? .never) } }

    /// Ends the grace periods that are over, and returns the files with the actions.
    public mutating func expire(at now: MonotonicTime) -> [(name: String, action: Action)] {
        var due: [(name: String, action: Action)] = []
        for (name, var entry) in entries.sorted(by: { $0.key < $1.key }) {
            guard let gracePeriod = entry.gracePeriod, gracePeriod.at <= now else { continue }
            entry.gracePeriod = nil
            due.append((name, Self.refuse(&entry, gracePeriod.why)))
            set(name, entry)
        }
        return due
    }

    /// Whether a file was changed so recently that another change might not alter its times: the kernel's clock for
    /// file times advances in steps of up to 10 ms. `wall` is the current time.
    public static func isFresh(_ file: FileStatus, wall: WallTime) -> Bool {
        max(file.modified, file.changed) > wall - 100_000_000
    }
}
