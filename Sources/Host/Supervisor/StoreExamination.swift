internal import HostValues

/// Tries the store that a plugin offers, in a worker and by requests such as a cluster makes. What was written is deleted.
struct StoreExamination {
    private typealias Findings = Conformance.Findings

    private let worker: CheckWorker
    private let a = "a"
    private let b = "b"

    /// Examines the store of a plugin that is loaded. A server that cannot be reached is no fault of the plugin.
    static func examine(_ worker: CheckWorker) throws -> Conformance.Findings {
        var found = Findings()
        let prefix = "schedhost-check/\(UInt64.random(in: 0...UInt64.max))/"
        switch try worker.openStore(prefix: prefix) {
        case .down(let text): found.notes.append("its store was not examined: \(worker.explained(text))")
        case .up(let link):
            let examination = Self(worker: worker)
            do {
                try examination.steps()
                found.notes.append("its store answers as a store should: instance \(link.instance)")
            } catch let fault as CheckWorker.Fault {
                found.faults.append(fault.text)
                if !examination.leavesNothing() {
                    found.notes.append("keys of this check may be left in its store: they begin with \(prefix)")
                }
            }
        }
        return found
    }

    /// Deletes what was written before a fault; whether the store says that it has.
    private func leavesNothing() -> Bool {
        guard let answer = try? worker.ask(StoreRequest(deletes: [a, b])) else { return false }
        return if case .done = answer.outcome { true } else { false }
    }

    private func steps() throws {
        let first = try commit("a put of an absent key", if: [.init(a, 0)], put: [(a, "1")])
        try commit("a put on condition that a key be absent, which it is not,", fails: [.init(a, 0)], put: [(a, "no")])
        let second = try commit("a put on the right version", if: [.init(a, first)], put: [(a, "2")])
        guard second > first else { throw fault("versions do not grow: \(second) comes after \(first)") }
        try commit(
            "a commit of which one condition holds and one does not", fails: [.init(b, 0), .init(a, first)],
            put: [(a, "no"), (b, "no")])
        let entry = StoreAnswer.Entry(key: a, version: second, value: Array("2".utf8))
        try expect([entry], StoreRequest(reads: [a, b]), "read")
        let third = try commit("a put of two keys", if: [.init(b, 0)], put: [(a, "3"), (b, "4")])
        let both = [
            StoreAnswer.Entry(key: a, version: third, value: Array("3".utf8)),
            StoreAnswer.Entry(key: b, version: third, value: Array("4".utf8)),
        ]
        try expect(both, StoreRequest(lists: [""]), "list")
        _ = try commit("a commit that deletes", if: [.init(a, third), .init(b, third)], delete: [a, b])
        try expect([], StoreRequest(reads: [a], lists: [""]), "list")
    }

    private func fault(_ text: String) -> CheckWorker.Fault { .init(text: "its store: " + text) }

    private func commit(
        _ what: String, if conditions: [StoreRequest.Condition], put: [(String, String)] = [], delete: [String] = []
    ) throws -> UInt64 {
        let puts = put.map { StoreRequest.Put($0.0, Array($0.1.utf8)) }
        let answer = try worker.ask(StoreRequest(if: conditions, puts: puts, deletes: delete))
        guard case .done(let version) = answer.outcome else { throw fault("\(what) is \(Self.words(answer.outcome))") }
        return version
    }

    private func commit(_ what: String, fails conditions: [StoreRequest.Condition], put: [(String, String)]) throws {
        let puts = put.map { StoreRequest.Put($0.0, Array($0.1.utf8)) }
        let answer = try worker.ask(StoreRequest(if: conditions, puts: puts))
        guard case .changed = answer.outcome else { throw fault("\(what) is \(Self.words(answer.outcome))") }
    }

    private func expect(_ entries: [StoreAnswer.Entry], _ request: StoreRequest, _ call: String) throws {
        let found = try worker.ask(request).found ?? []
        guard found == entries else {
            throw fault("\(call) gives \(Self.words(found)), not \(Self.words(entries))")
        }
    }

    private static func words(_ outcome: StoreAnswer.Outcome) -> String {
        switch outcome {
        case .done: "done"
        case .changed: "refused, for a condition does not hold"
        case .unknown: "not answered"
        case .refused(let text): "refused: \(text)"
        }
    }

    private static func words(_ entries: [StoreAnswer.Entry]) -> String {
        let all = entries.map { "\($0.key) = \(String(decoding: $0.value, as: UTF8.self)) (version \($0.version))" }
        return all.isEmpty ? "nothing" : all.joined(separator: ", ")
    }
}
