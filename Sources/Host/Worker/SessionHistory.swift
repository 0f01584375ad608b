internal import CPluginAPI
internal import HostSystem
internal import HostValues
internal import HostWire

/// What the sessions of a plugin ask the host about those before them: nothing until a routine wants to know.
///
/// `answer` is called on the control thread, `sessions` by the thread that has the routine's turn.
struct SessionHistory: ~Copyable, Sendable {
    /// How long a routine waits for the answer, in ns. The host gives it within milliseconds.
    private static let patience: Int64 = 5_000_000_000

    /// The sessions that wait for an answer, and the answers that have come. A type without parameters, so that no worker
    /// needs the dictionary's before a routine asks: at its first use the runtime looks through all conformances.
    private struct Asked {
        var answers: [SessionID: [EndedSession]?] = [:]
    }

    private let asked = Monitor(Asked())

    /// The sessions before this one, the newest first. `ask` asks the host. Nil if the host has not answered in time.
    func sessions(before session: SessionID, clock: any HostClock, ask: () -> Void) -> [EndedSession]? {
        asked.withLock { $0.answers[session] = .some(nil) }
        ask()
        let past = asked.wait(until: clock.monotonic() + Self.patience) { $0.answers[session] ?? nil }
        asked.withLock { $0.answers[session] = nil }
        return past
    }

    /// Takes the host's answer to a session.
    func answer(_ history: WorkerCommand.History) {
        asked.withLock { asked in
            if asked.answers.keys.contains(history.session) { asked.answers[history.session] = history.past }
        }
        asked.broadcast()
    }
}

/// The sessions before one, as the plugin sees them. It lives as long as the session.
@safe final class PastList: @unchecked Sendable {
    // @unchecked: immutable.
    private let texts: [CText]
    private let entries: UnsafeMutablePointer<schedhost_past_session>
    let count: Int

    init(_ past: [EndedSession]) {
        count = past.count
        unsafe entries = .allocate(capacity: max(1, past.count))
        var texts: [CText] = []
        func text(_ text: String) -> UnsafePointer<CChar> {
            let made = CText(text)
            texts.append(made)
            return unsafe made.pointer
        }
        for (index, session) in past.enumerated() {
            var entry = unsafe schedhost_past_session()
            unsafe entry.struct_size = UInt32(MemoryLayout<schedhost_past_session>.size)
            unsafe entry.is_failure = session.isFailure ? 1 : 0
            unsafe entry.session = unsafe text(session.session.description)
            unsafe entry.reason = unsafe text(session.reason)
            unsafe entry.text = unsafe text(session.text)
            unsafe entry.start_ms = session.startMs
            unsafe entry.finish_ms = session.finishMs
            unsafe entry.duration_ms = session.durationMs
            unsafe entry.cycles = session.cycles
            unsafe entry.failures = session.failures
            unsafe entry.missed = session.missed
            unsafe (entries + index).initialize(to: entry)
        }
        self.texts = texts
    }

    deinit { unsafe entries.deallocate() }

    /// One of them; nil past the last one.
    subscript(index: UInt32) -> UnsafePointer<schedhost_past_session>? {
        Int(index) < count ? unsafe UnsafePointer(entries + Int(index)) : nil
    }
}
