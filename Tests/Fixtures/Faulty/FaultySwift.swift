// The Swift sister of faulty.c: what a Swift program does wrong in its own way.
import PluginAPI

/// An error that a routine throws: no crash, but the routine's error with this text.
struct Misfortune: Error, CustomStringConvertible {
    let description: String
}

// Each crash site is a function of its own, named as in faulty.c, so that a crash report can show it.
// swift-format-ignore: AlwaysUseLowerCamelCase
@inline(never)
func misdeed_swift_fatal(_ cycle: UInt64) {
    fatalError("fatal on purpose in cycle \(cycle)")
}

// swift-format-ignore: AlwaysUseLowerCamelCase
@inline(never)
func misdeed_swift_bounds(_ cycle: UInt64) -> Int {
    let numbers = [1, 2, 3]
    return numbers[numbers.count + Int(cycle % 10)]
}

// swift-format-ignore: AlwaysUseLowerCamelCase, NeverForceUnwrap
@inline(never)
func misdeed_swift_unwrap(_ cycle: UInt64) -> Int {
    let number = Int("not a number \(cycle)")
    return number!
}

// swift-format-ignore: AlwaysUseLowerCamelCase
@inline(never)
func misdeed_overflow(_ cycle: UInt64) -> Int {
    Int.max - Int(cycle % 2) + 2
}

// swift-format-ignore: AlwaysUseLowerCamelCase
@inline(never)
func misdeed_swift_throw(_ cycle: UInt64) throws {
    throw Misfortune(description: "thrown in cycle \(cycle)")
}

@MainActor func onMainActor() -> Int { 1 }

let ofMainActor = CacheMemory<Int>("of-main-actor", expire: .zero) { () async throws -> Int in await onMainActor() }

/// The main actor waits for a source that waits for the main actor.
let deadlocked = CacheMemory<Int>("deadlocked", expire: .zero) { () async throws -> Int in
    let scheduler = try Scheduler.current ?? { throw Misfortune(description: "a source has no scheduler") }()
    return try await MainActor.run { try ofMainActor(in: scheduler) }
}

let misdeed = Parameter("misdeed", default: "none", description: "what to do wrong")
let at = Parameter("at", default: 3, description: "in which cycle; the others are good")
let once = Parameter("once", default: false, description: "in the first session only")

func misbehave(_ scheduler: Scheduler) throws {
    let cycle = scheduler.cycle
    guard Int64(clamping: cycle) == Int64(scheduler[at]) else { return }
    if scheduler[once], scheduler.sessionBefore != .none { return }
    switch scheduler[misdeed] {
    case "none": break
    case "swift-fatal": misdeed_swift_fatal(cycle)
    case "swift-bounds": scheduler.log.info("read \(misdeed_swift_bounds(cycle))")
    case "swift-unwrap": scheduler.log.info("read \(misdeed_swift_unwrap(cycle))")
    case "overflow": scheduler.log.info("counted \(misdeed_overflow(cycle))")
    case "swift-throw": try misdeed_swift_throw(cycle)
    case "swift-main-actor": try scheduler.log.info("got \(try ofMainActor() + deadlocked())")
    case let unknown: throw Misfortune(description: "unknown misdeed '\(unknown)'")
    }
}

let plugin = Plugin(
    "faulty-swift", version: "1.0.0", description: "misbehaves on purpose, in Swift", parameters: [misdeed, at, once]
) {
    Routine("misbehave", wait: .milliseconds(10), description: "good until its hour comes") { scheduler in
        try misbehave(scheduler)
    }
}

/// The plugin's entry.
@c(schedhost_plugin_v1)
public func entry() -> UnsafePointer<schedhost_plugin> { unsafe plugin.descriptor }
