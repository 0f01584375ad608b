internal import HostSupervisor
internal import HostSystem
internal import HostTrial
internal import HostValues
internal import HostWorker

/// Runs a plugin that is part of this process in virtual time. PluginTesting calls it for the tests of plugins.
///
/// `descriptor` is the plugin's descriptor, and `order` the NUL-terminated JSON of a `TrialOrder`. `take` is called once with
/// `user` before this function returns, and must copy the bytes. If this function returns 0 they are a summary as
/// `schedhost try --json` writes it, else a text that explains what is wrong. Only one call at a time is allowed in a process.
/// A crash of the plugin ends the process.
@c(schedhost_trial_v1)
public func runTrial(
    _ descriptor: UnsafeRawPointer?, _ order: UnsafePointer<CChar>?,
    _ take: (@convention(c) (UnsafeMutableRawPointer?, UnsafePointer<UInt8>?, Int) -> Void)?,
    _ user: UnsafeMutableRawPointer?
) -> Int32 {
    guard let descriptor = unsafe descriptor, let order = unsafe order, let take = unsafe take else { return 1 }
    let text = unsafe String(cString: order)
    var answer: [UInt8]
    let status: Int32
    do {
        answer = try unsafe trial(descriptor, TrialOrder(Array(text.utf8))).json
        status = 0
    } catch {
        answer = Array("\(error)".utf8)
        status = 1
    }
    unsafe answer.withUnsafeBufferPointer { unsafe take(user, $0.baseAddress, $0.count) }
    return status
}

private func trial(_ descriptor: UnsafeRawPointer, _ order: TrialOrder) throws -> TrialSummary {
    guard let span = TrialSpan(fromMs: order.fromMs, lengthMs: order.lengthMs) else {
        throw TrialPlan.Refusal(description: TrialSpan.bounds)
    }
    let clock = span.clock()
    let bell = try TrialRun.Bell()
    let worker = try unsafe TrialWorker(descriptor: descriptor, clock: clock, level: order.level.number) { bell.ring() }
    var bounds = TrialRun.Bounds()
    bounds.untilFailure = order.untilFailure
    let state = try TrialState.open(order.state)
    let run = try TrialRun(
        worker, as: TrialPlan(inMemory: order.trial, configuration: order.configuration),
        course: .virtual(clock, span), bounds: bounds, clock: clock, bell: bell,
        log: TrialLog(level: order.level, clock: clock), state: state.directory)
    run.inVirtualTime()
    return run.finish()
}
