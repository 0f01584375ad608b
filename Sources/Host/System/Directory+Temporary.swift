internal import CHostSystem
internal import Glibc

extension Directory {
    /// Makes a new directory with mode 0700, whose name is `name` and six unpredictable letters. mkdtemp(3).
    public static func makeTemporary(_ name: String, in folder: String) throws(SystemError) -> Directory {
        let place = (folder.hasSuffix("/") ? folder : folder + "/") + name
        guard let path = unsafe strdup(place + "-XXXXXX") else { throw SystemError("mkdtemp", place) }
        defer { unsafe free(path) }
        guard unsafe mkdtemp(path) != nil else { throw SystemError("mkdtemp", place) }
        return try Directory(unsafe String(cString: path))
    }

    /// Removes what `makeTemporary` has made, with its content. What cannot be removed is skipped.
    public static func removeTemporary(_ path: String) {
        let (folder, name) = split(path)
        guard let directory = try? Directory(path), let above = try? Directory(folder) else { return }
        directory.removeContents()
        try? above.removeDirectory(name)
    }

    /// Removes the directory's content recursively, without following links. What cannot be removed is skipped.
    public func removeContents() {
        for name in (try? names()) ?? [] {
            if (try? remove(name)) != nil { continue }
            if let folder = try? directory(name, create: false) { folder.removeContents() }
            try? removeDirectory(name)
        }
    }
}
