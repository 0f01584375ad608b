internal import HostSystem
internal import HostValues

/// Disk space that is kept for records: the file `reserve` of 4 MiB in the state directory. It is given up when a record
/// finds no space, and created again when there is enough.
///
/// Without it, whoever fills the disk, such as a plugin, would decide whether the sessions that end meanwhile have
/// records on the disk. There is no reserve on a file system of less than 64 MiB, of which it would be a large part.
final class DiskReserve {
    /// The file's name.
    static let name = "reserve"
    /// The file's size in bytes.
    static let size = 4 << 20
    /// The least size of a file system with a reserve, in bytes.
    static let leastDisk = 64 << 20
    /// The space that must be free before the reserve is created, in bytes, so that it is not what fills the disk.
    static let leastFree = 16 << 20

    private let directory: Directory
    private let space: (borrowing Directory) -> DiskSpace?
    /// Whether the file has its space.
    private(set) var isThere = false

    /// Takes over the reserve that a previous host has left in the directory. Else `restore` creates it, which takes a
    /// millisecond on a tmpfs. `space` returns what the directory's file system has; nil means that it is unknown.
    init(in directory: consuming Directory, space: @escaping (borrowing Directory) -> DiskSpace? = { $0.space }) {
        self.directory = directory
        self.space = space
        isThere = (try? self.directory.status(Self.name).size) == Self.size
    }

    /// Creates the reserve if it is missing and there is enough space.
    func restore() {
        if isThere { return }
        guard let space = space(directory), space.total >= Self.leastDisk, space.free >= Self.leastFree else { return }
        try? directory.remove(Self.name)
        do throws(SystemError) {
            let file = try directory.create(Self.name)
            try file.allocate(from: 0, to: Self.size, subject: directory.child(Self.name))
            isThere = true
        } catch {
            try? directory.remove(Self.name)
        }
    }

    /// Frees the space; returns false if there was none to free.
    func giveUp() -> Bool {
        guard isThere else { return false }
        isThere = false
        do throws(SystemError) { try directory.remove(Self.name) } catch { return false }
        return true
    }
}
