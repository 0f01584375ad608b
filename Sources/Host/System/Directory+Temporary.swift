internal import CHostSystem
internal import Glibc

extension Directory {
    /// Makes a new directory with mode 0700, of that name and six letters that nobody can foresee. mkdtemp(3).
    public static func makeTemporary(_ name: String, in folder: String) throws(SystemError) -> Directory {
        let place = (folder.hasSuffix("/") ? folder : folder + "/") + name
        guard let path = unsafe strdup(place + "-XXXXXX") else { throw SystemError("mkdtemp", place) }
        defer { unsafe free(path) }
        guard unsafe mkdtemp(path) != nil else { throw SystemError("mkdtemp", place) }
        return try Directory(unsafe String(cString: path))
    }
}
