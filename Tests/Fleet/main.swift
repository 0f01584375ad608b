import Foundation

// fleet KIND HOST BUILT STORES FOLDER [--rounds N] [--engine redis|etcd] [--lease MS] [--figures]: called by
// scripts/test-fleet and scripts/bench. fleet --kinds [--engine E]: the names of all.
//
// One kind of fault, round by round, in a folder of its own. It prints a line of the table: name, rounds, overlaps, tokens
// that went back, late rounds, p50, p99, maximum and bound in ms, what it is. With --figures: p50=… p90=… p99=… max=…
// in ms.

setvbuf(stdout, nil, _IOLBF, 0)
var words = Array(CommandLine.arguments.dropFirst())

func take(_ flag: String) -> Bool {
    guard let index = words.firstIndex(of: flag) else { return false }
    words.remove(at: index)
    return true
}

func value(_ option: String) -> String? {
    guard let index = words.firstIndex(of: option), index + 1 < words.count else { return nil }
    defer { words.removeSubrange(index...index + 1) }
    return words[index + 1]
}

func giveUp(_ text: String, _ status: Int32) -> Never {
    FileHandle.standardError.write(Data("fleet: \(text)\n".utf8))
    exit(status)
}

let wished = value("--rounds").flatMap { Int($0) } ?? 10
let lease = value("--lease").flatMap { Int($0) } ?? 2000
guard let engine = Engine(rawValue: value("--engine") ?? "redis") else { giveUp("there is no such engine", 64) }
let printsFigures = take("--figures")
if take("--kinds") {
    for kind in Kind.all where kind.engines.contains(engine) { print(kind.name) }
    exit(0)
}
guard words.count == 5, let kind = Kind.all.first(where: { $0.name == words[0] && $0.engines.contains(engine) }) else {
    giveUp("it is called by scripts/test-fleet", 64)
}
let around = Surroundings(
    program: words[1], built: words[2], stores: words[3], folder: words[4], engine: engine, lease: lease)

/// All that a kind has shown.
struct Outcome {
    var times: [Double] = []
    var faults: [String] = []
    var late = 0
    /// Rounds that were done again, since the machine itself did not run.
    var again = 0
}

/// For how long a virtual machine's processors were to run and did not, since other machines had them, in s. proc(5), `steal`.
func stolen() -> Double {
    let first = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8))?.split(separator: "\n").first ?? ""
    let words = first.split(separator: " ")
    return words.count > 8 ? (Double(words[8]) ?? 0) / Double(sysconf(Int32(_SC_CLK_TCK))) : 0
}

/// Of a tenth of a round on, its times are those of other machines. Two hosts must not run the routine all the same.
let mostStolen = 0.1

func rounds(of kind: Kind, in fleet: Fleet, into outcome: inout Outcome) throws {
    let bound = kind.bound * fleet.lease
    let processors = Double(ProcessInfo.processInfo.activeProcessorCount)
    var number = 1
    while number <= max(wished / kind.rarity, 1) {
        let before = (stolen: stolen(), time: bootSeconds())
        let round = try kind.run(fleet)
        let share = (stolen() - before.stolen) / ((bootSeconds() - before.time) * processors)
        let late = round.time > bound ? "it took \(Int(round.time * 1000)) ms" : nil
        let faults = [round.fault, late].compactMap { $0 }
        if !faults.isEmpty, share > mostStolen, outcome.again < wished {
            outcome.again += 1
            continue
        }
        outcome.times.append(round.time)
        if late != nil { outcome.late += 1 }
        for fault in faults { outcome.faults.append("round \(number): \(fault)") }
        number += 1
    }
}

var outcome = Outcome()
var overlaps: [String] = []
var regressions: [String] = []
var borne = 0
do {
    let fleet = try Fleet(around, for: kind)
    defer { fleet.end() }
    do {
        try rounds(of: kind, in: fleet, into: &outcome)
    } catch {
        outcome.faults.append("\(error)")
        for member in fleet.members {
            outcome.faults.append("the last of host \(member.name):\n" + member.words.suffix(2000))
        }
    }
    fleet.log.look()
    (overlaps, regressions, borne) = (fleet.log.overlaps, fleet.log.regressions, fleet.log.borne)
} catch {
    outcome.faults.append("it does not begin: \(error)")
}
let sample = Sample(of: outcome.times.map { $0 * 1000 })
if printsFigures {
    print("p50=\(sample.p50) p90=\(sample.p90) p99=\(sample.p99) max=\(sample.max)")
} else {
    let figures = [sample.p50, sample.p99, sample.max, kind.bound * Double(lease)].map { "\(Int($0.rounded()))" }
    let counts = [outcome.times.count, overlaps.count, regressions.count, outcome.late].map { "\($0)" }
    let what =
        kind.what + (borne > 0 ? " (\(borne) cycles did)" : "")
        + (outcome.again > 0 ? " (\(outcome.again) again: the machine did not run)" : "")
    print(([kind.name] + counts + figures + [what]).joined(separator: "\t"))
}
for line in (overlaps + regressions).prefix(20) + outcome.faults {
    FileHandle.standardError.write(Data("fleet: \(kind.name): \(line)\n".utf8))
}
exit(overlaps.isEmpty && regressions.isEmpty && outcome.faults.isEmpty ? 0 : 1)
