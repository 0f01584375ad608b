/// Child processes of other processes.
extension HostProcess {
    /// The number of a process's dead children that it has not reaped, at most `most`. proc(5).
    public static func deadChildren(of parent: Int32, most: Int) -> Int {
        // A bound on the work for a process with very many children, since each of them must be examined.
        let children = ProcessFamily.children(of: parent, most: 64 * most)
        return min(most, children.lazy.filter { !ProcessFamily.isAlive($0) }.prefix(most).count)
    }
}
