internal import HostInspection
internal import HostSystem
internal import HostValues

/// The copies of plugins that workers load, in `plugins/` of the state directory, named by their content.
///
/// Overwriting a file in place changes the code of a process that has loaded it; the copies are never overwritten. A
/// file that changes while it is read is not copied: if it fits into the buffer, exactly the bytes that were hashed are
/// written; a larger file is read twice, once for its hash and once for the copy, and both hashes must agree.
struct PrivateCopies: ~Copyable {
    /// The reason why no copy was made.
    enum Failure: Error {
        /// The file changed while it was read; its next event will come when that ends.
        case changing
        /// The copy of a different file has the same name, which does not happen by accident.
        case collision
        case system(SystemError)
    }

    private static let chunk = 1 << 20

    let directory: Directory

    /// Opens the directory and empties it, since no worker of an earlier host is alive.
    init(in state: borrowing Directory) throws(SystemError) {
        if let old = try? state.directory("plugins", create: false) { PrivateCopies(directory: old).sweep(keeping: []) }
        directory = try state.freshDirectory("plugins")
    }

    private init(directory: consuming Directory) { self.directory = directory }

    /// The absolute path that a worker loads; a plugin loaded earlier may have changed the worker's working directory.
    func path(of content: String) -> String { HostProcess.absolute(directory.child(content + ".so")) }

    /// Whether there is a copy with that content.
    func has(_ content: String) -> Bool { (try? directory.status(content + ".so")) != nil }

    private static let folderEnding = ".libraries"

    /// The folder with copies of the libraries that belong to a content; nil if there are none.
    func libraries(of content: String) -> String? {
        let name = content + Self.folderEnding
        return (try? directory.status(name)) == nil ? nil : HostProcess.absolute(directory.child(name))
    }

    /// Copies a plugin together with the libraries from its directory, and returns the name of their common content.
    func take(_ candidate: Candidate, with libraries: [Candidate] = []) throws(Failure) -> String {
        let own = try takeFile(candidate)
        if libraries.isEmpty { return own }
        var contents: [(name: String, content: String)] = []
        for library in libraries { contents.append((library.name, try takeFile(library))) }
        let text = contents.reduce(own) { $0 + "\n" + $1.name + "\n" + $1.content }
        let content = ContentHash.name(of: text)
        let folderName = content + Self.folderEnding
        if (try? directory.status(folderName)) != nil, try isCopy(content + ".so", of: candidate) { return content }
        do throws(Failure) {
            try attempt { () throws(SystemError) in
                let folder = try directory.directory(folderName, create: true)
                for (name, content) in contents {
                    try? folder.remove(name)
                    try directory.link(content + ".so", to: name, in: folder)
                }
            }
            // A separate file, since the dynamic linker treats two names of one file as one library.
            try? directory.remove(content + ".so")
            try copy(candidate, to: content + ".so", expecting: own)
            return content
        } catch {
            remove(content)
            throw error
        }
    }

    private func copy(_ candidate: Candidate, to name: String, expecting content: String) throws(Failure) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunk, alignment: 4096)
        defer { unsafe buffer.deallocate() }
        guard let copy = try create(name) else { return }
        let path = directory.child(name)
        let (copied, _) = try unsafe read(candidate, into: buffer) { (bytes) throws(SystemError) in
            try unsafe copy.writeAll(bytes, subject: path)
        }
        guard copied == content else { throw .changing }
    }

    /// Removes the copies of one content.
    private func remove(_ content: String) {
        try? directory.remove(content + ".so")
        guard let folder = try? directory.directory(content + Self.folderEnding) else { return }
        for name in (try? folder.names()) ?? [] { try? folder.remove(name) }
        try? directory.removeDirectory(content + Self.folderEnding)
    }

    /// Copies a file, and returns the name of its content.
    private func takeFile(_ candidate: Candidate) throws(Failure) -> String {
        try checkUnchanged(candidate)
        // One byte more than the file's size, so that a file that fits is read completely in one call.
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(candidate.status.size, Self.chunk) + 1, alignment: 4096)
        defer { unsafe buffer.deallocate() }
        let (content, size) = try unsafe read(candidate, into: buffer) { _ in }
        try checkUnchanged(candidate)
        guard let copy = try createUnlessCopied(content, candidate) else { return content }
        do throws(Failure) {
            let path = directory.child(content + ".so")
            if size < buffer.count {
                let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer[0..<size])
                try attempt { () throws(SystemError) in try unsafe copy.writeAll(bytes, subject: path) }
                return content
            }
            let (copied, _) = try unsafe read(candidate, into: buffer) { (bytes) throws(SystemError) in
                try unsafe copy.writeAll(bytes, subject: path)
            }
            guard copied == content else { throw .changing }
            try checkUnchanged(candidate)
            return content
        } catch {
            try? directory.remove(content + ".so")
            throw error
        }
    }

    /// Removes the copies of all other contents.
    func sweep(keeping contents: Set<String>) {
        for name in (try? directory.names()) ?? [] {
            let content = String(name.prefix { $0 != "." })
            if !contents.contains(content) { remove(content) }
        }
    }

    /// Creates a file that its owner may read and execute; nil if it exists already.
    private func create(_ name: String) throws(Failure) -> Descriptor? {
        do throws(SystemError) {
            return try directory.create(name, mode: 0o500)
        } catch {
            if error.isExisting { return nil }
            throw .system(error)
        }
    }

    /// Creates the file for a new copy; nil if a copy with these bytes exists already. The name is no proof: a process
    /// of the same user could have put another file there, to have it loaded instead of the plugin.
    private func createUnlessCopied(_ content: String, _ candidate: Candidate) throws(Failure) -> Descriptor? {
        let name = content + ".so"
        if let copy = try create(name) { return copy }
        if try isCopy(name, of: candidate) { return nil }
        if try self.content(of: name) == content { throw .collision }
        try? directory.remove(name)
        return try create(name)
    }

    /// Whether a file in the directory has the same bytes as the candidate.
    private func isCopy(_ name: String, of candidate: Candidate) throws(Failure) -> Bool {
        guard let copy = try? directory.openForReading(name) else { return false }
        let both = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * Self.chunk, alignment: 4096)
        defer { unsafe both.deallocate() }
        let theirs = unsafe UnsafeMutableRawBufferPointer(rebasing: both[..<Self.chunk])
        let ours = unsafe UnsafeMutableRawBufferPointer(rebasing: both[Self.chunk...])
        var at = 0
        while true {
            let (count, copied) = try attempt { () throws(SystemError) in
                (
                    try unsafe candidate.file.read(into: theirs, at: at, subject: candidate.path),
                    try unsafe copy.read(into: ours, at: at, subject: directory.child(name))
                )
            }
            guard count == copied, unsafe theirs[..<count].elementsEqual(ours[..<count]) else { return false }
            at += count
            if count < Self.chunk { return true }
        }
    }

    /// The name of the content of a file in the directory.
    private func content(of name: String) throws(Failure) -> String {
        let bytes = try attempt { () throws(SystemError) in
            try directory.openForReading(name).readAll(limit: Candidate.mostBytes, subject: name)
        }
        var hash = ContentHash()
        unsafe bytes.withUnsafeBytes { unsafe hash.take($0) }
        return hash.name
    }

    private func checkUnchanged(_ candidate: Candidate) throws(Failure) {
        guard try attempt({ () throws(SystemError) in try candidate.isUnchanged() }) else { throw .changing }
    }

    /// Reads a file to its end, one buffer at a time; returns the name of its content, and its size.
    private func read(
        _ candidate: Candidate, into buffer: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws(SystemError) -> Void
    ) throws(Failure) -> (content: String, size: Int) {
        var hash = ContentHash()
        var at = 0
        while true {
            let count = try attempt { () throws(SystemError) in
                try unsafe candidate.file.read(into: buffer, at: at, subject: candidate.path)
            }
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer[0..<count])
            unsafe hash.take(bytes)
            try attempt { () throws(SystemError) in try unsafe body(bytes) }
            at += count
            if count < buffer.count { return (hash.name, at) }
        }
    }

    private func attempt<Result: ~Copyable>(_ body: () throws(SystemError) -> Result) throws(Failure) -> Result {
        do throws(SystemError) { return try body() } catch { throw .system(error) }
    }
}
