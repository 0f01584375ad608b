internal import CHostSystem
internal import Glibc

/// Delivers signals as events: they are blocked for the whole process and read from a descriptor. signalfd(2).
///
/// Make it before the first thread starts, since threads inherit the signal mask.
public struct SignalDescriptor: ~Copyable, Sendable {
    /// Readable when one of the signals is pending.
    public let descriptor: Descriptor

    /// Blocks these signals and opens the descriptor.
    public init(_ signals: [Int32]) throws(SystemError) {
        var mask = sigset_t()
        unsafe sigemptyset(&mask)
        for signal in signals { unsafe sigaddset(&mask, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &mask, nil)
        var failed: Int32 = 0
        let number = unsafe signalfd(-1, &mask, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
        if number < 0 { failed = chs_errno() }
        if number < 0 { throw SystemError("signalfd", "signals", number: failed) }
        descriptor = Descriptor(owning: number)
    }

    /// Takes the next pending signal, or returns nil.
    public func next() -> Int32? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        guard unsafe Glibc.read(descriptor.raw, &info, size) == size else { return nil }
        return Int32(info.ssi_signo)
    }
}

/// The signal numbers that the host uses. signal(7).
public enum Signals {
    /// SIGINT.
    public static let interrupt = SIGINT
    /// SIGTERM.
    public static let terminate = SIGTERM
    /// SIGHUP.
    public static let hangup = SIGHUP
    /// SIGABRT.
    public static let abort = SIGABRT
    /// SIGKILL.
    public static let kill = SIGKILL
    /// SIGSTOP.
    public static let stop = SIGSTOP
    /// SIGCONT.
    public static let resume = SIGCONT
    /// SIGQUIT.
    public static let quit = SIGQUIT
    /// SIGCHLD.
    public static let child = SIGCHLD

    /// SIGPIPE.
    public static let brokenPipe = SIGPIPE
    /// SIGXFSZ.
    public static let fileSize = SIGXFSZ
    /// SIGUSR1.
    public static let user1 = SIGUSR1
    /// SIGUSR2.
    public static let user2 = SIGUSR2
    /// SIGALRM.
    public static let alarm = SIGALRM
    /// SIGVTALRM.
    public static let virtualAlarm = SIGVTALRM
    /// SIGPROF.
    public static let profile = SIGPROF
    /// SIGXCPU.
    public static let processorTime = SIGXCPU
    /// SIGPWR.
    public static let powerFailure = SIGPWR

    /// Makes a write to a closed pipe fail with `EPIPE` instead of ending the process.
    public static func ignoreBrokenPipes() { _ = Glibc.signal(SIGPIPE, SIG_IGN) }

    /// Catches these signals, whose default action ends the process, and does nothing. It installs a handler instead of
    /// `SIG_IGN` because programs that this process executes then get the default action back, so that `yes | head`
    /// still ends. sigaction(2).
    public static func survive(_ signals: [Int32]) {
        for signal in signals { chs_survive(signal) }
    }
}
