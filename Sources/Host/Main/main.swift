internal import HostCommandLine
internal import HostPolicy
internal import HostSupervisor
internal import HostSystem
internal import HostWorker

HostProcess.occupyStandardDescriptors()
HostProcess.closeDescriptorsOnExec()
let arguments = HostProcess.arguments

// Swift's runtime reads the arguments from proc(5), and workers are started through it.
if HostProcess.executable == nil {
    StandardStream.error.write(
        "schedhost: /proc: not mounted here, and nothing works without it: mount -t proc proc /proc\n")
    HostProcess.exit(ExitStatus.failure.rawValue)
}

// Workers run the same program. Only the supervisor starts them: `schedhost worker LEVEL SUPERVISOR [LIMIT...] FILE`.
if arguments.count >= 4, arguments[0] == "worker", let level = Int32(arguments[1]), let supervisor = Int32(arguments[2])
{
    LibraryPath.restore()
    let words = Array(arguments[3..<(arguments.count - 1)])
    func number(_ name: String) -> Substring? {
        words.first { $0.hasPrefix(name + "=") }?.dropFirst(name.count + 1)
    }
    Worker.run(
        logLevel: level, supervisor: supervisor, limits: WorkerLimits(arguments: words),
        groups: GroupMembership(arguments: words),
        user: number("user").flatMap { UInt32($0) }, hasLeases: words.contains("leases"),
        hasRules: words.contains("rules"), report: number("report").flatMap { Int32($0) })
}

do {
    let now = SystemClock().wallMilliseconds()
    let command = try ArgumentParser(nowMs: now).parse(arguments)
    let status = try Program.perform(command)
    if case .run = command {
        // A host continues without its standard output; it still has its records.
    } else if let error = StandardStream.outputLoss {
        Complaint.say("\(error)")
        HostProcess.exit(ExitStatus.failure.rawValue)
    }
    HostProcess.exit(status.rawValue)
} catch let error as UsageError {
    Complaint.say(lines: "\(error)")
    HostProcess.exit(ExitStatus.usage.rawValue)
} catch let error as ListenRefusal {
    Complaint.say(lines: "\(UsageError(command: .run, message: "\(error)"))")
    HostProcess.exit(ExitStatus.usage.rawValue)
} catch let error as HostState.Failure {
    Complaint.say("\(error)")
    switch error {
    case .inUse: HostProcess.exit(ExitStatus.stateInUse.rawValue)
    case .system, .noExecution, .unsafe, .unsafeParent: HostProcess.exit(ExitStatus.cannotCreate.rawValue)
    }
} catch let error as HostClient.Failure {
    Complaint.say("\(error)")
    switch error {
    case .noHost: HostProcess.exit(ExitStatus.noHost.rawValue)
    case .silent, .foreign, .refused: HostProcess.exit(ExitStatus.failure.rawValue)
    }
} catch let error as Program.Absent {
    Complaint.say("\(error)")
    HostProcess.exit(error.status.rawValue)
} catch let error as ConfigurationError {
    Complaint.say(lines: "\(error)")
    HostProcess.exit(ExitStatus.badData.rawValue)
} catch {
    Complaint.say("\(error)")
    HostProcess.exit(ExitStatus.failure.rawValue)
}
