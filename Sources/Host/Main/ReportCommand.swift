internal import HostCommandLine
internal import HostStore
internal import HostSupervisor
internal import HostSystem
internal import HostValues
internal import HostViews
internal import HostWire

/// `report`: writes the page of a host as one file.
enum ReportCommand {
    private static let mostReports = 20
    /// The maximum size of the records, and of the crash reports, in bytes, so that a browser can open the page.
    private static let mostBytes = 4 << 20

    /// Writes the file.
    static func perform(_ options: ReportOptions) throws -> ExitStatus {
        let directory = try Program.state(options.state)
        var size = 0
        let records = Array(
            try SessionFiles.last(500, in: directory).records.reversed().prefix { record in
                size += record.line().count
                return size <= mostBytes
            }.reversed())
        var status: HostStatus?
        do {
            if case .status(let running) = try HostClient(state: directory.path).ask(ControlRequest(.status)) {
                status = running
            }
        } catch HostClient.Failure.noHost {
            Complaint.say("no host runs: only its records are in the report")
        }
        let reports = reports(of: records, in: directory)
        let madeMs = SystemClock().wallMilliseconds()
        let page =
            options.isJSON
            ? ReportPage.data(status: status, records: records, reports: reports, madeMs: madeMs) + [0x0A]
            : ReportPage.whole(status: status, records: records, reports: reports, madeMs: madeMs)
        if options.output == "-" {
            StandardStream.output.write(page)
            return .success
        }
        do {
            let (folder, name) = Directory.split(options.output)
            try Directory(folder).replace(name, with: page)
        } catch {
            Complaint.say("\(error): name another file with --output, or - for the standard output")
            return .cannotCreate
        }
        func words(_ count: Int, _ one: String) -> String { "\(count) \(one)" + (count == 1 ? "" : "s") }
        Complaint.say(
            "\(options.output): " + (status.map { words($0.routines.count, "routine") + ", " } ?? "")
                + "\(words(records.count, "session")), \(words(reports.count, "crash report")), "
                + "\((page.count + 1023) >> 10) KiB")
        return .success
    }

    /// The crash reports of the newest records that have one, by session.
    private static func reports(of records: [SessionRecord], in state: borrowing Directory) -> [SessionID: String] {
        var reports: [SessionID: String] = [:]
        var size = 0
        guard let directory = try? state.directory("reports") else { return [:] }
        for record in records.reversed() where reports.count < mostReports {
            guard let name = record.report, !name.contains("/"), let file = try? directory.openForReading(name),
                let bytes = try? file.readAll(limit: 1 << 20, subject: name)
            else { continue }
            guard let text = CrashReportText.text(bytes, named: name) else { continue }
            size += text.utf8.count
            if size > mostBytes { break }
            reports[record.session] = text
        }
        return reports
    }
}
