internal import HostPolicy
internal import HostSystem

/// The refused system calls of a worker that were logged, so that each is logged only once.
struct ToldRefusals {
    private var calls: Set<String> = []

    /// What to look up about a page that has a call not logged yet; nil if there is none. `files`: what the worker has
    /// loaded.
    func news(in page: CrashPage.Contents, of files: Set<String>) -> ReportReader.Subject? {
        guard page.refusals.contains(where: { !calls.contains($0.call) }) else { return nil }
        return ReportReader.Subject(report: "", page: page, files: files)
    }

    /// The log lines for calls that were not logged yet; marks them as logged.
    mutating func take(_ refusals: [SandboxRefusal]) -> [String] {
        refusals.filter { calls.insert($0.call).inserted }.map(\.line)
    }
}

extension CrashPage.Contents {
    /// The refused calls, without the places in the code.
    var refusals: [SandboxRefusal] { refused.map { SandboxRefusal(call: $0.call, times: $0.times) } }
}
