internal import Glibc

extension HostProcess {
    /// The path from the root on, links in it as they are: for another process, whose working directory may be another
    /// one. A path for which there is no working directory stays as it is. getcwd(3).
    public static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let start = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(start) }
        let folder = unsafe String(cString: start)
        return (folder.hasSuffix("/") ? folder : folder + "/") + path
    }
}
