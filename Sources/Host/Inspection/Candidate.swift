public import HostSystem
public import HostValues

/// A file of the plugins directory that may be a plugin, open: it is opened once, and what is inspected, hashed and copied
/// is one and the same file, whatever becomes of its name meanwhile.
///
/// Only regular files are opened, and nothing of them is run.
public final class Candidate: Sendable {
    /// The most bytes that a plugin may have: each is copied, and a hole in a file becomes bytes in its copy.
    public static let mostBytes = 512 << 20

    /// The entry's name in the directory.
    public let name: String
    /// The file's path, for messages.
    public let path: String
    /// The file, open for reading; closed with this object.
    public let file: Descriptor
    /// What it was when it was opened.
    public let status: FileStatus
    private let user: UInt32?

    /// Opens an entry of a directory, following a link. With `allowUnsafePermissions`, files and directories that other
    /// users can write are taken too.
    public init(_ directory: borrowing Directory, name: String, allowUnsafePermissions: Bool = false) throws(Refusal) {
        self.name = name
        path = directory.child(name)
        user = allowUnsafePermissions ? nil : HostProcess.user
        do throws(Refusal.Reason) {
            if let user { try Self.check(directory, user: user) }
            // What is no regular file is not even opened: that alone can do things to a device.
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

    /// Which file it is.
    public var identity: PluginFile.Identity { PluginFile.Identity(status) }

    /// Whether somebody has it open for writing; nil where that cannot be told. fcntl(2), F_SETLEASE.
    public var hasWriter: Bool? { file.hasWriter }

    /// Whether it is still what it was when it was opened, and nobody writes it.
    public func isUnchanged() throws(SystemError) -> Bool {
        PluginFile.Identity(try file.status(subject: path)) == identity && file.hasWriter != true
    }

    /// Says whether it is a plugin for this host, or why not. At most 4 MiB of it is read, and any content is safe.
    public func inspect(abi: PluginFile.ABI = .host) throws(Refusal) -> PluginFile {
        do throws(Refusal.Reason) {
            var image = try safeImage()
            return try PluginFile.inspect(&image, name: name, identity: identity, abi: abi)
        } catch {
            throw Refusal(path: path, reason: error)
        }
    }

    /// The libraries that it is linked with, where it is one itself.
    public func libraryNeeds() throws(Refusal) -> [String] {
        do throws(Refusal.Reason) {
            var image = try safeImage()
            try image.readHeaders()
            return try image.needed()
        } catch {
            throw Refusal(path: path, reason: error)
        }
    }

    /// The name by which others need it as a library; nil when it has none, or is none.
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
