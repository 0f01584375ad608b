internal import Glibc

extension HostProcess {
    /// Whether users of the machine have no id in this process's user namespace, and appear as the overflow id.
    /// user_namespaces(7).
    public static var hasUnknownUsers: Bool {
        guard let file = try? Directory("/proc/self").openForReading("uid_map"),
            let bytes = try? file.readAll(limit: 4096, subject: "uid_map")
        else { return false }
        let words = bytes.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        return words.map { String(decoding: $0, as: UTF8.self) } != ["0", "0", "4294967295"]
    }

    /// The groups of this process. getgroups(2).
    public static var groups: Set<UInt32> {
        let count = getgroups(0, nil)
        guard count >= 0 else { return [getegid()] }
        let all = unsafe [gid_t](unsafeUninitializedCapacity: Int(count)) { buffer, filled in
            filled = max(0, Int(unsafe getgroups(count, buffer.baseAddress)))
        }
        return Set(all + [getegid()])
    }

    /// Makes a path absolute without resolving links, for use by a process that may have another working directory.
    /// Returns the path unchanged if there is no working directory. getcwd(3).
    public static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let start = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(start) }
        let folder = unsafe String(cString: start)
        return (folder.hasSuffix("/") ? folder : folder + "/") + path
    }
}
