internal import HostCommandLine
internal import HostPolicy
internal import HostSupervisor
internal import HostSystem
internal import HostWorker

/// The program's start: it becomes a worker, or performs a command.
///
/// A type, and not the code of a file, since that belongs to the main actor: it alone would bring the libraries of Swift's
/// concurrency and Dispatch into the program, which uses neither, and each worker would prepare both at its start.
@main
enum EntryPoint {
    static func main() {
        HostProcess.occupyStandardDescriptors()
        HostProcess.closeDescriptorsOnExec()
        // Swift's runtime reads the arguments from proc(5), and workers are started through it.
        if HostProcess.executable == nil {
            StandardStream.error.write(
                "schedhost: /proc: not mounted here, and nothing works without it: mount -t proc proc /proc\n")
            HostProcess.exit(ExitStatus.failure.rawValue)
        }
        let arguments = HostProcess.arguments
        if arguments.count >= 4, arguments[0] == "worker", let level = Int32(arguments[1]),
            let supervisor = Int32(arguments[2])
        {
            work(logLevel: level, supervisor: supervisor, words: Array(arguments[3..<(arguments.count - 1)]))
        }
        perform(arguments)
    }

    /// Workers run the same program. Only the supervisor starts them: `schedhost worker LEVEL SUPERVISOR [LIMIT...] FILE`.
    private static func work(logLevel: Int32, supervisor: Int32, words: [String]) -> Never {
        LibraryPath.restore()
        func number(_ name: String) -> Substring? {
            words.first { $0.hasPrefix(name + "=") }?.dropFirst(name.count + 1)
        }
        Worker.run(
            logLevel: logLevel, supervisor: supervisor, limits: WorkerLimits(arguments: words),
            groups: GroupMembership(arguments: words),
            user: number("user").flatMap { UInt32($0) }, hasLeases: words.contains("leases"),
            hasRules: words.contains("rules"), report: number("report").flatMap { Int32($0) })
    }

    private static func perform(_ arguments: [String]) -> Never {
        // Who reads no more has what is wanted: no command fails for that, or is killed. All other failed writes are told
        // below.
        Signals.ignoreBrokenPipes()
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
    }
}
