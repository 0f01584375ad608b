internal import Glibc

extension HostProcess {
    /// Makes a path absolute without resolving links, for use by a process that may have another working directory.
    /// Returns the path unchanged if there is no working directory. getcwd(3).
    public static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let start = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(start) }
        let folder = unsafe String(cString: start)
        return (folder.hasSuffix("/") ? folder : folder + "/") + path
    }
}
