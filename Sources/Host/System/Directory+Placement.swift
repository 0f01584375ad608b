internal import CHostSystem

extension Directory {
    /// Asks the file system to place the subdirectories made here apart from each other and from their surroundings on
    /// the disk.
    ///
    /// ext4 places a file's inode near its directory; where thousands of files were removed within the last minutes, it
    /// examines each of their inodes before it finds a free one. Has no effect on other file systems. ioctl_iflags(2),
    /// `FS_TOPDIR_FL`.
    public func spreadSubdirectories() { _ = chs_spread_subdirectories(descriptor.raw) }

    /// Opens an empty directory of this name, in another place of the disk than the former one, near which many files
    /// may have been removed lately.
    ///
    /// The new directory is made under a random name, from which `spreadSubdirectories` derives the place, and then
    /// renamed over the old one. An old directory that is not empty stays and is opened instead. The caller must be the
    /// only user of this directory.
    public func freshDirectory(_ name: String) throws(SystemError) -> Directory {
        // Left by a process that was killed between making the directory and renaming it.
        for left in try names() where left.hasPrefix(name + ".") { try? removeDirectory(left) }
        let unique = name + "." + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        if (try? directory(unique, create: true)) != nil {
            do throws(SystemError) { try rename(unique, to: name) } catch { try? removeDirectory(unique) }
        }
        return try directory(name, create: true)
    }
}
