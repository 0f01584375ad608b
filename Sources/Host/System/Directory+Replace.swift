public import HostValues

extension Directory {
    /// Why a file was not replaced.
    public enum ReplaceFailure: Error, CustomStringConvertible {
        /// That path is something else: a device, a link, a directory.
        case notRegular(String, FileStatus.Kind)
        /// A call failed.
        case system(SystemError)

        /// One line, with the path.
        public var description: String {
            switch self {
            case .notRegular(let path, let kind): "\(path) is \(kind), not a regular file"
            case .system(let error): "\(error)"
            }
        }
    }

    /// Puts a file of that content, which all may read whom the umask lets, in the place of a regular one, or where there
    /// is none.
    ///
    /// In one step: other processes see the old one or the new one. A failure leaves all as it was. With `forEverybody` all
    /// may read it, whatever the umask.
    public func replace(_ name: String, with bytes: [UInt8], forEverybody: Bool = false) throws(ReplaceFailure) {
        if let kind = try? status(name.isEmpty ? "." : name).kind, kind != .regular {
            throw .notRegular(child(name), kind)
        }
        let temporary = ".\(name).\(HostProcess.pid)"
        do throws(SystemError) {
            try? remove(temporary)  // of a process that had this number and was killed
            let file = try create(temporary, mode: 0o644)
            if forEverybody { try file.setMode(0o644, subject: child(name)) }
            try file.writeAll(bytes, subject: child(name))
            try rename(temporary, to: name)
        } catch {
            try? remove(temporary)
            throw .system(error)
        }
    }

    /// Puts a file of that content, for its owner alone, in the place of one of the program's own, or where there is none.
    ///
    /// After a crash at any moment there is the old one or the new one; what a crash has left of `NAME.new` is written over.
    /// With `isSynchronized` a power loss does not take the new one either; it blocks for about as long as a small synced
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

    /// The folder of a path and the name in it: `.` and `x` for `x`, `/` and `x` for `/x`; no name where a slash is last.
    public static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
    }
}
