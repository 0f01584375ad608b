/// The children of other processes.
extension HostProcess {
    /// How many children of a process are dead and not reaped, up to `most`. proc(5).
    public static func deadChildren(of parent: Int32, most: Int) -> Int {
        // One that has very many is looked at in part: whether they are dead takes a look at each.
        let children = ProcessFamily.children(of: parent, most: 64 * most)
        return min(most, children.lazy.filter { !ProcessFamily.isAlive($0) }.prefix(most).count)
    }
}
