internal import HostPolicy
internal import HostSystem

/// The system calls of which it was told that a worker's sandbox has refused them: each once.
struct ToldRefusals {
    private var calls: Set<String> = []

    /// What is to be looked up of a page, if it has a call that was not told. `files`: what the worker has loaded.
    func news(in page: CrashPage.Contents, of files: Set<String>) -> ReportReader.Subject? {
        guard page.refusals.contains(where: { !calls.contains($0.call) }) else { return nil }
        return ReportReader.Subject(report: "", page: page, files: files)
    }

    /// The lines for those that were not told, which they are now.
    mutating func take(_ refusals: [SandboxRefusal]) -> [String] {
        refusals.filter { calls.insert($0.call).inserted }.map(\.line)
    }
}

extension CrashPage.Contents {
    /// The refused calls without the places that made them.
    var refusals: [SandboxRefusal] { refused.map { SandboxRefusal(call: $0.call, times: $0.times) } }
}
