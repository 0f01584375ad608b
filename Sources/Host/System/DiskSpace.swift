/// The space of a file system, in bytes.
public struct DiskSpace: Equatable, Sendable {
    /// All of it.
    public var total: Int
    /// What users without privileges can still use.
    public var free: Int

    /// Makes a value of these sizes.
    public init(total: Int, free: Int) {
        self.total = total
        self.free = free
    }
}
