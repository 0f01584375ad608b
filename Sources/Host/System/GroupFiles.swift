internal import CHostSystem
internal import Glibc

/// The files of control groups. cgroups(7)
public protocol GroupFiles: AnyObject {
    /// The content of a file; nil if it cannot be read.
    func read(_ path: String) -> String?
    /// Writes to a file; false if the kernel refuses the value.
    func write(_ text: String, to path: String) -> Bool
    /// Creates a group; true also if it exists already.
    func make(_ path: String) -> Bool
    /// Removes a group; false while it is not empty.
    func remove(_ path: String) -> Bool
    /// The names in a group.
    func names(_ path: String) -> [String]
    /// The names of the groups in a group.
    func groups(_ path: String) -> [String]
    /// An extended attribute of a group; nil if it has none.
    func attribute(_ name: String, of path: String) -> String?
    /// Kills a process.
    func kill(_ pid: Int32)
    /// Whether a process exists.
    func exists(_ pid: Int32) -> Bool
}

/// The control groups of the machine.
public final class SystemGroupFiles: GroupFiles {
    /// Creates an instance; it has no state.
    public init() {}

    /// Reads a file.
    public func read(_ path: String) -> String? {
        let (folder, name) = Directory.split(path)
        guard let file = try? Directory(folder).openForReading(name),
            let bytes = try? file.readAll(limit: 1 << 20, subject: path)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes to a file.
    public func write(_ text: String, to path: String) -> Bool { HostProcess.write(text, toGroupFile: path) }

    /// Creates a group. mkdir(2)
    public func make(_ path: String) -> Bool { unsafe mkdir(path, 0o755) == 0 || chs_errno() == EEXIST }

    /// Removes a group. rmdir(2)
    public func remove(_ path: String) -> Bool { unsafe rmdir(path) == 0 || chs_errno() != EBUSY }

    /// Lists a group.
    public func names(_ path: String) -> [String] { (try? Directory(path).names()) ?? [] }

    /// Lists the groups in a group.
    public func groups(_ path: String) -> [String] { names(path).filter { (try? Directory(path + "/" + $0)) != nil } }

    /// Reads an extended attribute. getxattr(2)
    public func attribute(_ name: String, of path: String) -> String? {
        let most = 64
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
            count = max(0, unsafe getxattr(path, name, buffer.baseAddress, most))
        }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    /// Kills a process.
    public func kill(_ pid: Int32) { ProcessFamily.kill(pid) }

    /// Looks for a process.
    public func exists(_ pid: Int32) -> Bool { HostProcess.exists(pid) }
}

extension HostProcess {
    /// Moves this process into a control group; false where that is not allowed.
    public static func join(group: String) -> Bool { write("0", toGroupFile: group + "/cgroup.procs") }

    /// The kernel takes each write(2) as one value.
    fileprivate static func write(_ text: String, toGroupFile path: String) -> Bool {
        let number = unsafe chs_openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0)
        guard number >= 0 else { return false }
        let file = Descriptor(owning: number)
        do throws(SystemError) {
            try file.writeAll(Array(text.utf8), subject: path)
            return true
        } catch {
            return false
        }
    }
}
