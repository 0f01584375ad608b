/// Comparisons of paths as text. Pure: links are not resolved.
public enum PlainPath {
    /// The path without `.`, `..`, empty components and a trailing slash; nil if it is not absolute.
    ///
    /// If a component before `..` is a link, the result is a different path. So callers that grant access also resolve the
    /// path in the file system.
    static func normal(_ path: String) -> String? {
        guard path.hasPrefix("/") else { return nil }
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// Whether `normal` would return the path as it is. It allocates nothing.
    public static func isNormal(_ path: String) -> Bool {
        guard path.hasPrefix("/") else { return false }
        var (length, dots) = (0, 0)
        for byte in path.utf8.dropFirst() {
            if byte == UInt8(ascii: "/") {
                if length == dots, length <= 2 { return false }
                (length, dots) = (0, 0)
            } else {
                length += 1
                dots += byte == UInt8(ascii: ".") ? 1 : 0
            }
        }
        return length > dots || length > 2 || path.utf8.count == 1
    }

    /// Whether a path is the folder or is beneath it, compared by components. Both must be normalised.
    public static func isBeneath(_ path: String, _ folder: String) -> Bool {
        path == folder || folder == "/" || path.hasPrefix(folder + "/")
    }

    /// Resolves a path whose last components may not exist yet: `find` resolves an existing path. nil if the missing part
    /// contains `..`, or if nothing of the path exists.
    static func leading(_ path: String, find: (String) -> String?) -> String? {
        if let found = find(path) { return found }
        var parts = path.split(separator: "/").filter { $0 != "." }.map(String.init)
        guard path.hasPrefix("/"), !parts.contains("..") else { return nil }
        var missing: [String] = []
        while let part = parts.popLast() {
            missing.insert(part, at: 0)
            guard let found = find("/" + parts.joined(separator: "/")) else { continue }
            return (found == "/" ? "" : found) + "/" + missing.joined(separator: "/")
        }
        return nil
    }
}
