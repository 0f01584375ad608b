import CPluginAPI
import HostPolicy
import HostValues
import HostWire
import Testing

@testable import HostWorker

/// What follows a failure, made by itself.
@Suite("FailureDecision")
struct FailureDecisionTests {
    private static let failure = Session.Failure(phase: .routine, code: 7, message: "no disk", cycle: 3, attempt: 2)

    @Test("without a hook the configuration decides", arguments: ErrorAction.allCases)
    func byDefault(_ decision: ErrorAction) {
        let ruling = FailureDecision(ErrorDefault(decision: decision, retryMs: 20))
        switch decision {
        case .goOn: #expect(ruling.next == .goOn && ruling.disposition == .policy)
        case .retry: #expect(ruling.next == .retry(after: 20_000_000) && ruling.disposition == .policy)
        case .endSession: #expect(ruling.next == .end && ruling.disposition == .policy)
        case .stop: #expect(ruling.next == .end && ruling.disposition == .stop)
        case .quarantine: #expect(ruling.next == .end && ruling.disposition == .quarantine)
        }
    }

    @Test("a hook is told of the failure, and finds the configuration's decision")
    func told() {
        var seen: [String] = []
        let ruling = unsafe FailureDecision(Self.failure, byDefault: ErrorDefault(decision: .retry, retryMs: 20)) {
            error, decision in
            seen = unsafe [
                words(error.pointee.message), "\(error.pointee.code)", "\(error.pointee.phase)",
                "\(error.pointee.cycle)", "\(error.pointee.attempt)", "\(decision.pointee.decision)",
                "\(decision.pointee.retry_ms)",
            ]
        }
        #expect(seen == ["no disk", "7", "3", "3", "2", "\(SCHEDHOST_DECIDE_RETRY)", "20"])
        #expect(ruling.next == .retry(after: 20_000_000))
    }

    @Test("a hook decides, within the bounds")
    func decided() {
        let longest = unsafe FailureDecision(Self.failure, byDefault: ErrorDefault()) { _, decision in
            unsafe decision.pointee.decision = UInt32(SCHEDHOST_DECIDE_RETRY)
            unsafe decision.pointee.retry_ms = .max
        }
        #expect(longest.next == .retry(after: Int64(SCHEDHOST_MAX_RETRY_MS) * 1_000_000))
        let stop = unsafe FailureDecision(Self.failure, byDefault: ErrorDefault()) { _, decision in
            unsafe decision.pointee.decision = UInt32(SCHEDHOST_DECIDE_STOP)
        }
        #expect(stop.next == .end && stop.disposition == .stop)
    }

    @Test("a decision of a later version counts for nothing")
    func unknown() {
        let ruling = unsafe FailureDecision(Self.failure, byDefault: ErrorDefault(decision: .quarantine)) {
            _, decision in
            unsafe decision.pointee.decision = 99
        }
        #expect(ruling == FailureDecision(ErrorDefault(decision: .quarantine)))
    }
}
