internal import HostPolicy
internal import HostSystem

/// The refused system calls of a worker that were logged, so that each is logged only once.
struct ToldRefusals {
    /// A plugin that fills its page with numbers of its own gets no more lines than this.
    private static let most = 32

    private var calls: Set<String> = []
    private var isExamining = false
    private var count: UInt32 = 0

    /// Whether it is worth while to read a page with so many refusals: there are more than last time, or there are any
    /// and an error may come from one of them.
    mutating func mayBeNew(_ count: UInt32, or isError: Bool) -> Bool {
        // What comes meanwhile is looked at when the answer is there.
        defer { if !isExamining { self.count = count } }
        return count != self.count || isError && count > 0
    }

    /// What to look up about a page that has a call not logged yet; nil if there is none. `files`: what the worker has
    /// loaded.
    /// At most one such question is open.
    mutating func news(in page: CrashPage.Contents, of files: Set<String>) -> ReportReader.Subject? {
        guard !isExamining, calls.count < Self.most, page.refusals.contains(where: { !calls.contains($0.call) }) else {
            return nil
        }
        isExamining = true
        return ReportReader.Subject(page: page, files: files)
    }

    /// The log lines for calls that were not logged yet; marks them as logged.
    mutating func take(_ refusals: [SandboxRefusal]) -> [String] {
        isExamining = false
        return refusals.filter { calls.count < Self.most && calls.insert($0.call).inserted }.map(\.line)
    }
}

extension CrashPage.Contents {
    /// The refused calls, without the places in the code.
    var refusals: [SandboxRefusal] { refused.compactMap { SandboxRefusal(call: $0.call, times: $0.times) } }
}
