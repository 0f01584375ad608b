internal import HostCore
internal import HostSystem

/// `cache`: what the disk caches hold.
enum CacheCommand {
    /// Performs it on the state directory, whether a host runs or not.
    static func perform(_ options: CacheCommandOptions) throws -> ExitStatus {
        throw UsageError(command: .cache, message: "not yet")
    }
}
