internal import CHostSystem

extension Directory {
    /// Asks the file system to place the directories that are made in this one apart from each other, and from what is
    /// around: ext4 puts a file's inode near its directory, and where thousands were removed within the last minutes it
    /// looks at each of them before it finds a free one. A file system that knows nothing of this is as well.
    /// ioctl_iflags(2), `FS_TOPDIR_FL`.
    public func spreadSubdirectories() { _ = chs_spread_subdirectories(descriptor.raw) }
}
