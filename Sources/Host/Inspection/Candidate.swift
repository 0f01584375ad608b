public import HostSystem
public import HostValues

/// An open file of the plugins directory that may be a plugin. It is opened only once, so that the same file is
/// inspected, hashed and copied even if its name is given to another file in the meantime.
///
/// Only regular files are opened, and none of their code is run.
public final class Candidate: Sendable {
    /// The maximum size of a plugin in bytes. It is bounded because each plugin is copied, and a hole in a sparse file
    /// becomes real bytes in the copy.
    public static let mostBytes = 512 << 20

    /// The name of the directory entry.
    public let name: String
    /// The file's path, for messages.
    public let path: String
    /// The file, open for reading. This object owns it and closes it.
    public let file: Descriptor
    /// The status of the file when it was opened.
    public let status: FileStatus
    private let user: UInt32?

    /// Opens a directory entry, following a link. `allowUnsafePermissions` also accepts files and directories to which
    /// other users can write.
    public init(_ directory: borrowing Directory, name: String, allowUnsafePermissions: Bool = false) throws(Refusal) {
        self.name = name
        path = directory.child(name)
        user = allowUnsafePermissions ? nil : HostProcess.user
        do throws(Refusal.Reason) {
            if let user { try Self.check(directory, user: user) }
            // Other kinds of file are not opened at all, because merely opening a device can have side effects.
            let path = path
            let entry = try Self.attempt(directory, name) { () throws(SystemError) in
                try directory.status(name, followLink: true)
            }
            try Self.isRegular(entry)
            let opened = try Self.attempt(directory, name) { () throws(SystemError) in
                try directory.openForReading(name, followLink: true)
            }
            do throws(SystemError) {
                status = try opened.status(subject: path)
            } catch {
                throw Refusal.Reason.unreadable(error)
            }
            try Self.isRegular(status)
            file = opened
        } catch {
            throw Refusal(path: path, reason: error)
        }
    }

    /// The identity of the file.
    public var identity: PluginFile.Identity { PluginFile.Identity(status) }

    /// Whether another process has the file open for writing, by F_SETLEASE of fcntl(2); nil if that cannot be
    /// determined.
    public var hasWriter: Bool? { file.hasWriter }

    /// Whether the file is unchanged since it was opened, and not open for writing.
    public func isUnchanged() throws(SystemError) -> Bool {
        PluginFile.Identity(try file.status(subject: path)) == identity && file.hasWriter != true
    }

    /// Checks whether the file is a plugin for this host; a refusal says why not. Reads at most 4 MiB; any content is
    /// safe.
    public func inspect(abi: PluginFile.ABI = .host) throws(Refusal) -> PluginFile {
        do throws(Refusal.Reason) {
            var image = try safeImage()
            return try PluginFile.inspect(&image, name: name, identity: identity, abi: abi)
        } catch {
            throw Refusal(path: path, reason: error)
        }
    }

    /// The libraries that the file is linked with, if it is a library itself.
    public func libraryNeeds() throws(Refusal) -> [String] {
        do throws(Refusal.Reason) {
            var image = try safeImage()
            try image.readHeaders()
            return try image.needed()
        } catch {
            throw Refusal(path: path, reason: error)
        }
    }

    /// The name under which other files are linked with this library; nil if it has none, or is not a library.
    public var ownName: String? {
        guard var image = try? safeImage(), (try? image.readHeaders()) != nil else { return nil }
        return (try? image.ownName()) ?? nil
    }

    private func safeImage() throws(Refusal.Reason) -> ELFImage {
        if let user, let fault = Refusal.Unsafe(status, user: user) { throw .unsafeFile(fault) }
        if status.size > Self.mostBytes { throw .tooLarge(status.size) }
        return ELFImage(size: status.size) { [self] (offset, count) throws(Refusal.Reason) in
            do throws(SystemError) {
                return try file.read(count: count, at: offset, subject: path)
            } catch {
                throw .unreadable(error)
            }
        }
    }

    private static func check(_ directory: borrowing Directory, user: UInt32) throws(Refusal.Reason) {
        let status: FileStatus
        do throws(SystemError) {
            status = try directory.descriptor.status(subject: directory.path)
        } catch {
            throw .unreadable(error)
        }
        if let fault = Refusal.Unsafe(status, user: user) { throw .unsafeDirectory(directory.path, fault) }
    }

    private static func attempt<Result: ~Copyable>(
        _ directory: borrowing Directory, _ name: String, _ body: () throws(SystemError) -> Result
    ) throws(Refusal.Reason) -> Result {
        do throws(SystemError) {
            return try body()
        } catch {
            if error.isNotFound, let link = try? directory.status(name), link.kind == .link { throw .danglingLink }
            throw .unreadable(error)
        }
    }

    private static func isRegular(_ status: FileStatus) throws(Refusal.Reason) {
        if status.kind != .regular { throw .notRegular(status.kind) }
    }
}
