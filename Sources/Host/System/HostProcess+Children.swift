/// The children of other processes.
extension HostProcess {
    /// How many children of a process are dead and not reaped, up to `most`. proc(5).
    public static func deadChildren(of parent: Int32, most: Int) -> Int {
        guard let tasks = try? Directory("/proc/\(parent)/task"), let names = try? tasks.names() else { return 0 }
        var count = 0
        for name in names {
            guard let task = try? tasks.directory(name), let file = try? task.openForReading("children"),
                let bytes = try? file.readAll(limit: 1 << 20, subject: "children")
            else { continue }
            for word in bytes.split(separator: UInt8(ascii: " ")) {
                guard let child = Int32(String(decoding: word, as: UTF8.self)), isDead(child) else { continue }
                count += 1
                if count >= most { return count }
            }
        }
        return count
    }

    /// Whether a process is a zombie. Its name may hold anything: its state follows the last bracket.
    private static func isDead(_ pid: Int32) -> Bool {
        guard let process = try? Directory("/proc/\(pid)"), let file = try? process.openForReading("stat"),
            let bytes = try? file.readAll(limit: 4096, subject: "stat"),
            let bracket = bytes.lastIndex(of: UInt8(ascii: ")")), bytes.indices.contains(bracket + 2)
        else { return false }
        return bytes[bracket + 2] == UInt8(ascii: "Z")
    }
}
