internal import HostCore
internal import HostSystem

/// The copies of plugins that workers load, in `plugins/` of the state directory, named by their content.
///
/// What is overwritten in place under a running worker changes that worker's code; a copy does not change. A file is
/// read twice, once to name it and once to copy it, and both must agree: what changes meanwhile is not taken.
struct PrivateCopies: ~Copyable {
    /// Why there is no copy.
    enum Failure: Error {
        /// The file changes while it is read; its next event comes when that is over.
        case changing
        case system(SystemError)
    }

    private static let chunk = 1 << 20
    private static let temporary = ".new"

    let directory: Directory

    /// Opens the directory and empties it: no worker of an earlier host lives.
    init(in state: borrowing Directory) throws(SystemError) {
        directory = try state.directory("plugins", create: true)
        sweep(keeping: [])
    }

    /// The path that a worker loads, from the root on: what it loaded before may have changed its working directory.
    func path(of content: String) -> String { HostProcess.absolute(directory.child(content + ".so")) }

    /// The name of a file's content. `identity` is what the file was when it was inspected.
    func content(of name: String, in folder: borrowing Directory, identity: PluginFile.Identity) throws(Failure)
        -> String
    {
        let file = try open(name, folder, identity)
        let content = unsafe try read(file, subject: folder.child(name)) { _ in }
        try checkUnchanged(file, identity, subject: folder.child(name))
        return content
    }

    /// Makes the copy of that content if it is not there.
    func copy(_ name: String, in folder: borrowing Directory, identity: PluginFile.Identity, content: String)
        throws(Failure)
    {
        let target = content + ".so"
        if (try? directory.status(target)) != nil { return }
        let file = try open(name, folder, identity)
        try? directory.remove(Self.temporary)
        do throws(Failure) {
            let copied = try write(file, subject: folder.child(name))
            guard copied == content else { throw .changing }
            try checkUnchanged(file, identity, subject: folder.child(name))
            try attempt { () throws(SystemError) in try directory.rename(Self.temporary, to: target) }
        } catch {
            try? directory.remove(Self.temporary)
            throw error
        }
    }

    /// Removes the copies of all other contents.
    func sweep(keeping contents: Set<String>) {
        for name in (try? directory.names()) ?? [] where !contents.contains(String(name.dropLast(3))) {
            try? directory.remove(name)
        }
    }

    private func write(_ file: borrowing Descriptor, subject: String) throws(Failure) -> String {
        let target = try attempt { () throws(SystemError) in try directory.create(Self.temporary) }
        let path = directory.child(Self.temporary)
        let content = unsafe try read(file, subject: subject) { (bytes) throws(SystemError) in
            try unsafe target.writeAll(bytes, subject: path)
        }
        try attempt { () throws(SystemError) in try target.setMode(0o500, subject: path) }
        return content
    }

    private func open(_ name: String, _ folder: borrowing Directory, _ identity: PluginFile.Identity) throws(Failure)
        -> Descriptor
    {
        let file = try attempt { () throws(SystemError) in try folder.openForReading(name, followLink: true) }
        try checkUnchanged(file, identity, subject: folder.child(name))
        return file
    }

    private func checkUnchanged(_ file: borrowing Descriptor, _ identity: PluginFile.Identity, subject: String)
        throws(Failure)
    {
        let status = try attempt { () throws(SystemError) in try file.status(subject: subject) }
        guard PluginFile.Identity(status) == identity, file.hasWriter != true else { throw .changing }
    }

    /// Reads a file to its end, a chunk at a time; returns the name of its content.
    private func read(
        _ file: borrowing Descriptor, subject: String, _ body: (UnsafeRawBufferPointer) throws(SystemError) -> Void
    ) throws(Failure) -> String {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunk, alignment: 4096)
        defer { unsafe buffer.deallocate() }
        var hash = ContentHash()
        var at = 0
        while true {
            let count = try attempt { () throws(SystemError) in
                try unsafe file.read(into: buffer, at: at, subject: subject)
            }
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer[0..<count])
            unsafe hash.take(bytes)
            try attempt { () throws(SystemError) in try unsafe body(bytes) }
            at += count
            if count < buffer.count { return hash.name }
        }
    }

    private func attempt<Result: ~Copyable>(_ body: () throws(SystemError) -> Result) throws(Failure) -> Result {
        do throws(SystemError) { return try body() } catch { throw .system(error) }
    }
}
