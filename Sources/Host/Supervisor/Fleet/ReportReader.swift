internal import HostInspection
internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import Synchronization

/// Finds out where dead workers died, on threads of its own: from the reports of their crashes, and from the plugins' files.
///
/// A plugin has had its hands on all of that, and may have made it long, slow or endless to read. So the host waits for none of
/// it: the answer comes when it is there, and whoever asks stops waiting when it wants to.
final class ReportReader {
    /// A dead worker.
    struct Subject: Sendable {
        /// The name that its crash report has.
        var report: String
        /// What its crash page says.
        var page: CrashPage.Contents?
        /// What it had loaded.
        var files: Set<String>
    }

    /// Threads that read at the same time: one that is held up must not hold up all others.
    private static let mostThreads = 3

    /// What the threads see.
    private final class Desk: Sendable {
        struct Work: Sendable {
            var waiting: [(number: Int, subject: Subject)] = []
            var done: [(number: Int, report: Report)] = []
            var threads = 0
        }

        let work = Mutex(Work())
        let bell: Doorbell
        let directory: Directory

        init(_ directory: consuming Directory) throws(SystemError) {
            bell = try Doorbell()
            self.directory = directory
        }

        /// Takes from what waits until nothing does.
        func serve() {
            while let (number, subject) = next() {
                let report = report(of: subject)
                work.withLock { $0.done.append((number, report)) }
                bell.ring()
            }
        }

        /// Looks where the path leads now: the directory that was opened may have been removed, and made anew.
        private func report(of subject: Subject) -> Report {
            guard let present = try? Directory(directory.path) else {
                return CrashExamination.report(of: subject, in: directory)
            }
            return CrashExamination.report(of: subject, in: present)
        }

        func size(of report: String) -> Int? { try? Directory(directory.path).status(report).size }

        func remove(_ report: String) { try? Directory(directory.path).remove(report) }

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

    /// A reader of the reports in a directory.
    init(_ directory: consuming Directory, loop: EventLoop) throws(SystemError) {
        desk = try Desk(directory)
        _ = try loop.watch(desk.bell.descriptor) { [unowned self] _ in answer() }
    }

    /// Has what is known of a death told to `then`, which says whether it wants it: a report's file that nobody wants is
    /// removed. At once when there is nothing to read.
    func read(_ subject: Subject, then: @escaping (Report) -> Bool) {
        // An empty one was made for a worker that had no need of it.
        let size = desk.size(of: subject.report) ?? 0
        if size == 0, !subject.report.isEmpty { desk.remove(subject.report) }
        let hasPage = subject.page.map { !$0.frames.isEmpty || !$0.refused.isEmpty } ?? false
        guard size > 0 || hasPage else { return _ = then(Report()) }
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

/// What the files around a death say. Takes as long as it takes, but no more than so many bytes of each.
enum CrashExamination {
    /// What is known of a crash. A report that is none is removed.
    static func report(of subject: ReportReader.Subject, in directory: borrowing Directory) -> Report {
        var found = Report()
        var report: CrashReport?
        if let file = try? directory.openForReading(subject.report) {
            let bytes = try? file.readAll(limit: CrashReport.limit, subject: subject.report)
            report = bytes.flatMap(CrashReport.init)
            if report == nil { try? directory.remove(subject.report) } else { found.file = subject.report }
        }
        found.text = report?.description.map { String($0.prefix(500)) }
        found.frame = CrashFrame.top(report, named(subject.page?.frames ?? [], subject.files))
        found.refusals = (subject.page?.refused ?? []).map { refused in
            SandboxRefusal(
                call: refused.call, times: refused.times,
                place: CrashFrame.top(nil, named([refused.frame], subject.files)))
        }
        return found
    }

    /// The page's frames, those in plugins' files with their functions' names; the innermost of them with its line.
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
