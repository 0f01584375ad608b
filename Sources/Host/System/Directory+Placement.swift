internal import CHostSystem

extension Directory {
    /// Asks the file system to place the directories that are made in this one apart from each other, and from what is
    /// around: ext4 puts a file's inode near its directory, and where thousands were removed within the last minutes it
    /// looks at each of them before it finds a free one. A file system that knows nothing of this is as well.
    /// ioctl_iflags(2), `FS_TOPDIR_FL`.
    public func spreadSubdirectories() { _ = chs_spread_subdirectories(descriptor.raw) }

    /// An empty directory of this name, in another place of the disk than the one of this name before, near which files
    /// may just have been removed: made under a name of its own, by which `spreadSubdirectories` chooses the place, and
    /// moved over the old one. One that is not empty stays. Only for who alone uses this directory.
    public func freshDirectory(_ name: String) throws(SystemError) -> Directory {
        // What a process left that was killed in between.
        for left in try names() where left.hasPrefix(name + ".") { try? removeDirectory(left) }
        let unique = name + "." + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        if (try? directory(unique, create: true)) != nil {
            do throws(SystemError) { try rename(unique, to: name) } catch { try? removeDirectory(unique) }
        }
        return try directory(name, create: true)
    }
}
