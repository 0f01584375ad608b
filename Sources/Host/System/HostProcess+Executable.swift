internal import CHostSystem
internal import Glibc

extension HostProcess {
    /// The path of the running program; nil if it cannot be determined. proc(5), /proc/self/exe.
    public static var executable: String? {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4096) { buffer in
            let count = unsafe buffer.withMemoryRebound(to: CChar.self) { text in
                unsafe text.baseAddress.map { unsafe readlink("/proc/self/exe", $0, text.count) } ?? -1
            }
            guard count > 0, count < buffer.count else { return nil }
            unsafe buffer[count] = 0
            return unsafe buffer.withMemoryRebound(to: CChar.self) { text in
                unsafe text.baseAddress.flatMap { unsafe String(validatingCString: $0) }
            }
        }
    }

    /// Whether a path leads to a file that this process may execute. access(2).
    public static func isProgram(_ path: String) -> Bool { unsafe access(path, X_OK) == 0 }

    /// The absolute path with all links resolved; nil if the path leads nowhere. realpath(3).
    public static func resolved(_ path: String) -> String? {
        guard let text = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(text) }
        return unsafe String(validatingCString: text)
    }
    /// Restarts this program in the same process, with the same arguments and with these variables set, which the
    /// dynamic linker reads only at the start. Returns only if that fails, with the reason. execv(3).
    public static func beginAnew(with variables: [String: String]) -> SystemError {
        for (name, value) in variables { setEnvironment(name, value) }
        let path = executable ?? "/proc/self/exe"
        _ = unsafe execv(path, CommandLine.unsafeArgv)
        return SystemError("execv", path)
    }
}

extension Directory {
    /// Makes a directory in this one that must not exist yet, with the mode that the umask gives. mkdirat(2).
    public func makeDirectory(_ name: String) throws(SystemError) {
        _ = try retrying("mkdirat", child(name)) { unsafe mkdirat(descriptor.raw, name, 0o777) }
    }
}

extension HostProcess {
    /// Makes an empty file that must not exist yet, with the mode that the umask gives. open(2), `O_EXCL`.
    public static func makeFile(_ path: String) throws(SystemError) {
        let (folder, name) = Directory.split(path)
        _ = try Directory(folder).create(name, mode: 0o666)
    }
}
