public import HostValues

extension SessionRecord {
    /// A record like those of the store, the `number`th of its routine.
    public static func sample(_ number: Int, routine: String = "snapshot", cycles: UInt64 = 5) -> SessionRecord {
        SessionRecord(
            session: SessionID(rawValue: UInt64(1_764_000_000_000 + number) << 20), plugin: "market-poller",
            pluginVersion: "1.0.0", build: "0123abcd", routine: routine, host: "box", pid: 4711,
            startMs: 1_764_000_000_000 + Int64(number), finishMs: 1_764_000_063_200 + Int64(number), durationMs: 63_200,
            cycles: cycles, failures: 1, missed: 2, reason: .init(.maxCycles))
    }

    /// A record in which every field is set and every kind of value occurs.
    public static let full = SessionRecord(
        session: SessionID(rawValue: .max), plugin: "a", pluginVersion: "v\"\\\n\u{1}é😀", build: "b", routine: "r",
        host: "h", pid: -1, startMs: .min, finishMs: .max, durationMs: 0, clockStepMs: -5000, cycles: .max, failures: 0,
        missed: 1, lifetimeCycles: .max,
        reason: .init(.crash, text: "t", signal: "SIGSEGV", cycle: 3, phase: .routine, frame: "f (a.c:1)"),
        stats: .init([
            ("z", .int(.min)), ("a", .double(0.1)), ("one", .double(1)), ("big", .double(1e300)),
            ("ü", .string("x,\"y")),
        ]), report: "/x"
    ).timed(.init(p50: 1, p99: .max, longest: .max, lateP50: .min, lateP99: 0))
}
