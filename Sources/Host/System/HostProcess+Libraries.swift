internal import CHostSystem

extension HostProcess {
    /// The paths of the libraries loaded in this process, in loading order, without the dynamic linker itself.
    /// dl_iterate_phdr(3).
    public static var libraries: [String] {
        var paths: [String] = []
        var index: Int32 = 0
        while let name = unsafe chs_loaded_library(index) {
            let path = unsafe String(cString: name)
            index += 1
            let file = path.split(separator: "/").last ?? ""
            if path.hasPrefix("/"), !file.hasPrefix("ld-linux"), !file.hasPrefix("ld64") { paths.append(path) }
        }
        return paths
    }
}
