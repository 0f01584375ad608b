internal import HostInspection
internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import Synchronization

/// Finds out where dead workers died, from their crash reports and the plugins' files, on threads of its own.
///
/// A plugin can tamper with all of these files, and make them very slow to read. So the host does not wait: the answer
/// comes later, and a caller may lose interest before.
final class ReportReader {
    /// A dead worker, or one whose sandbox has refused a call.
    struct Subject: Sendable {
        /// The name under which its crash report is kept.
        var report = ""
        /// Where its crash report was written; nil if there can be none.
        var paper: ReportPaper?
        /// The content of its crash page.
        var page: CrashPage.Contents?
        /// The files that it had loaded.
        var files: Set<String>
    }

    /// The number of threads that read concurrently, so that a single slow file does not delay all others.
    private static let mostThreads = 3

    /// The state shared with the threads.
    private final class Desk: Sendable {
        struct Work: Sendable {
            var waiting: [(number: Int, subject: Subject)] = []
            var done: [(number: Int, report: Report)] = []
            var threads = 0
        }

        let work = Mutex(Work())
        let bell: Doorbell
        let state: Directory

        init(_ state: consuming Directory) throws(SystemError) {
            bell = try Doorbell()
            self.state = state
        }

        /// Handles waiting subjects until none is left.
        func serve() {
            while let (number, subject) = next() {
                let report = CrashExamination.report(of: subject, in: state)
                work.withLock { $0.done.append((number, report)) }
                bell.ring()
            }
        }

        func remove(_ report: String) { try? state.directory("reports").remove(report) }

        private func next() -> (Int, Subject)? {
            work.withLock { work in
                if !work.waiting.isEmpty { return work.waiting.removeFirst() }
                work.threads -= 1
                return nil
            }
        }
    }

    private let desk: Desk
    private var lastNumber = 0
    private var askers: [Int: (Report) -> Bool] = [:]

    /// Makes a reader that puts reports into a state directory.
    init(_ state: consuming Directory, loop: EventLoop) throws(SystemError) {
        desk = try Desk(state)
        _ = try loop.watch(desk.bell.descriptor) { [unowned self] _ in answer() }
    }

    /// Reads what is known about a subject and passes it to `then`, at once if there is nothing to read. `then` returns
    /// whether it still wants the answer; if not, the report's file is removed.
    func read(_ subject: Subject, then: @escaping (Report) -> Bool) {
        let hasReport = (subject.paper?.size ?? 0) > 0
        let hasPage = subject.page.map { !$0.frames.isEmpty || !$0.refused.isEmpty } ?? false
        guard hasReport || hasPage else { return _ = then(Report()) }
        lastNumber += 1
        let number = lastNumber
        askers[number] = then
        let isThreadWanted = desk.work.withLock { work in
            work.waiting.append((number, subject))
            guard work.threads < Self.mostThreads else { return false }
            work.threads += 1
            return true
        }
        guard isThreadWanted else { return }
        do {
            try Thread.start(name: "reports") { [desk] in desk.serve() }
        } catch {
            desk.serve()
        }
    }

    private func answer() {
        desk.bell.hush()
        let done = desk.work.withLock { work in
            defer { work.done = [] }
            return work.done
        }
        for (number, report) in done {
            guard let asker = askers.removeValue(forKey: number) else { continue }
            if !asker(report), let file = report.file { desk.remove(file) }
        }
    }
}

/// Reads the files about a death. The time is not limited, but the bytes read of each file are.
enum CrashExamination {
    /// The findings about a crash, whose report is saved in that state directory.
    static func report(of subject: ReportReader.Subject, in state: borrowing Directory) -> Report {
        var found = Report()
        var report: CrashReport?
        if let bytes = subject.paper?.content(limit: CrashReport.limit) {
            report = CrashReport(bytes)
            found.file = report.flatMap { keep($0, as: subject.report, in: state) }
        }
        found.text = report?.description.map { String($0.prefix(500)) }
        found.frame = CrashFrame.top(report, named(subject.page?.frames ?? [], subject.files))
        found.refusals = (subject.page?.refused ?? []).compactMap { refused in
            SandboxRefusal(
                call: refused.call, times: refused.times,
                place: CrashFrame.top(nil, named([refused.frame], subject.files)))
        }
        return found
    }

    /// Saves what is kept of a report; returns its name, or nil where that cannot be written: then nothing is kept.
    private static func keep(_ report: CrashReport, as name: String, in state: borrowing Directory) -> String? {
        do throws(SystemError) {
            // A cleaner may have removed the folder.
            try state.directory("reports", create: true).save(report.json, as: name, isSynchronized: false)
            return name
        } catch {
            return nil
        }
    }

    /// The page's frames, with the functions' names for those in plugins' files, and the line for the innermost of
    /// these.
    private static func named(_ frames: [CrashPage.Frame], _ files: Set<String>) -> [CrashFrame.Named] {
        var names = frames.map { (image: $0.image, symbol: String?.none, place: String?.none) }
        for path in files {
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            let image = String(parts.last ?? "")
            let mine = frames.indices.filter { frames[$0].image == image }
            let folder = parts.dropLast().joined(separator: "/")
            guard !mine.isEmpty, let directory = try? Directory(folder.isEmpty ? "/" : folder),
                let file = try? directory.openForReading(image, followLink: true)
            else { continue }
            let symbols = FunctionNames.names(at: mine.map { frames[$0].offset }, in: file)
            for (index, symbol) in zip(mine, symbols) { names[index].symbol = symbol }
            if let top = mine.first(where: { names[$0].symbol != nil }) {
                names[top].place = SourceLines.places(at: [frames[top].offset], in: file).first ?? nil
            }
        }
        return names
    }
}
