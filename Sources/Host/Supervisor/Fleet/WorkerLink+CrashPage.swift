internal import HostSystem

/// The memory that a worker shares with the supervisor for its last moments.
extension WorkerLink {
    /// The content of its crash page.
    var crash: CrashPage.Contents? { CrashPage.read(page) }

    /// How many system calls its sandbox has refused so far.
    var refusals: UInt32 { CrashPage.refusals(page) }

    /// Lets it begin its crash report.
    func sayRoomIsMade() { CrashPage.sayRoomIsMade(page) }
}
