public import HostValues

extension Directory {
    /// The reason why a file was not replaced.
    public enum ReplaceFailure: Error, CustomStringConvertible {
        /// The path is not a regular file but a device, a link or a directory.
        case notRegular(String, FileStatus.Kind)
        /// A system call failed.
        case system(SystemError)

        /// The reason in one line, with the path.
        public var description: String {
            switch self {
            case .notRegular(let path, let kind): "\(path) is \(kind), not a regular file"
            case .system(let error): "\(error)"
            }
        }
    }

    /// Atomically creates a regular file with this content, or replaces one; other processes see the old one or the new
    /// one.
    ///
    /// The mode follows the umask; with `forEverybody` the file is readable by all (0644) whatever the umask is. A
    /// failure changes nothing.
    public func replace(_ name: String, with bytes: [UInt8], forEverybody: Bool = false) throws(ReplaceFailure) {
        if let kind = try? status(name.isEmpty ? "." : name).kind, kind != .regular {
            throw .notRegular(child(name), kind)
        }
        let temporary = ".\(name).\(HostProcess.pid)"
        do throws(SystemError) {
            try? remove(temporary)  // left by a killed process that had this pid
            let file = try create(temporary, mode: 0o644)
            if forEverybody { try file.setMode(0o644, subject: child(name)) }
            try file.writeAll(bytes, subject: child(name))
            try rename(temporary, to: name)
        } catch {
            try? remove(temporary)
            throw .system(error)
        }
    }

    /// Atomically creates or replaces one of the program's own files, readable and writable by its owner only (0600).
    ///
    /// After a crash at any moment the file is the old one or the new one; a leftover `NAME.new` is removed by the next
    /// save. With `isSynchronized` that also holds after a power loss, and the call takes as long as a small synced
    /// write. fdatasync(2), rename(2).
    public func save(_ bytes: [UInt8], as name: String, isSynchronized: Bool = true) throws(SystemError) {
        let temporary = name + ".new"
        let subject = child(temporary)
        do throws(SystemError) { try remove(temporary) } catch { if !error.isNotFound { throw error } }
        let file = try create(temporary)
        try file.writeAll(bytes, subject: subject)
        if isSynchronized { try file.synchronizeData(subject: subject) }
        try rename(temporary, to: name)
    }

    /// Splits a path into its folder and the name in it: `x` into `.` and `x`, `/x` into `/` and `x`. The name is empty
    /// if the path ends with a slash.
    public static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
    }
}
