import HostPolicy
import HostTestKit
import HostValues
import Testing

private let second: Int64 = 1_000_000_000

/// The end of a worker, without its life.
@Suite struct WorkerEndingTests {
    static let place = WorkerEnding.Place.session(slot: 3)
    static let beginnings: [WorkerEnding.Beginning] = [
        WorkerEnding.told(grace: 10 * second, at: 0), WorkerEnding.overdue(slot: 3, at: 0),
        WorkerEnding.hang(place, thread: 7, at: 0), WorkerEnding.hang(place, thread: nil, at: 0),
        WorkerEnding.hang(place, thread: 0, at: 0), WorkerEnding.crash(at: 0), WorkerEnding.silence(at: 0),
        WorkerEnding.killed(.told, at: 0), WorkerEnding.killed(.stuck, at: 0),
        WorkerEnding.killed(.mute(slot: 3), at: 0), WorkerEnding.crash(wasTold: true, at: 0),
    ]

    /// What is done from deadline to deadline, with the time of each.
    private func course(_ start: WorkerEnding) -> [(time: MonotonicTime, action: WorkerEnding.Action)] {
        var ending = start
        var course: [(MonotonicTime, WorkerEnding.Action)] = []
        while ending.deadline != .never, course.count < 10 {
            let now = ending.deadline
            for action in ending.passDeadline(at: now) { course.append((now, action)) }
        }
        return course
    }

    @Test(arguments: beginnings.indices) func `however it begins, a kill follows, and the giving up 5 s later`(
        index: Int
    ) {
        let beginning = Self.beginnings[index]
        let course = course(beginning.ending)
        let all = beginning.actions.map { (time: MonotonicTime(nanoseconds: 0), action: $0) } + course
        #expect(all.suffix(2).map(\.action) == [.kill, .giveUp])
        #expect(all.filter { $0.action == .kill }.count == 1)
        #expect(all.suffix(2).last?.time == (all.suffix(2).first?.time ?? 0) + WorkerEnding.reapTime)
        #expect((all.last?.time ?? .never) <= .ns(17 * second))
    }

    @Test(arguments: beginnings.indices) func `a kill at once comes once, and keeps the reason`(index: Int) {
        var ending = Self.beginnings[index].ending
        let before = ending.manner(of: .signalled(9, name: "SIGKILL"))
        let had = Self.beginnings[index].actions.contains(.kill)
        #expect(ending.kill(.told, at: 5) == (had ? [] : [.kill]))
        #expect(ending.kill(.told, at: 6) == [])
        let after = ending.manner(of: .signalled(9, name: "SIGKILL"))
        // Who was told to end and is killed was late; one without a channel that goes on has left.
        switch index {
        case 0: #expect(before == .failed(wasTold: true) && after == .late)
        case 6: #expect(before == .failed(wasTold: false) && after == .left)
        default: #expect(before == after)
        }
    }

    @Test func `one that is asked may still leave, crash, hang, or lose its channel`() {
        let asked = WorkerEnding.told(grace: 10 * second, at: 0).ending
        var leaves = asked
        #expect(leaves.sayGoodbye() && !leaves.sayGoodbye() && leaves.deadline == asked.deadline)
        #expect(leaves.manner(of: .exited(0)) == .inOrder(saidGoodbye: true))
        #expect(leaves.hang(Self.place, thread: 7, at: 1) == [])
        var crashes = leaves
        #expect(crashes.crash(at: 1) == [] && crashes.deadline == 1 + WorkerEnding.reportTime)
        #expect(crashes.manner(of: .exited(0)) == .failed(wasTold: true))
        #expect(crashes.kill(.told, at: 2) == [.kill] && crashes.manner(of: .exited(0)) == .failed(wasTold: true))
        var hangs = asked
        #expect(hangs.hang(Self.place, thread: 7, at: 1) == [.abort(thread: 7)])
        #expect(hangs == .hung(Self.place, .aborting(killAt: 1 + WorkerEnding.patience), wasTold: true))
        #expect(hangs.missThread(at: 2) == [.kill] && hangs.missThread(at: 3) == [])
        var silent = asked
        silent.loseChannel(at: 1)
        #expect(silent.deadline == 1 + WorkerEnding.silenceTime && silent.manner(of: .exited(0)) != .left)
    }

    @Test func `what dies by itself is told nothing`() {
        for beginning in [WorkerEnding.crash(at: 0), WorkerEnding.silence(at: 0)] {
            var ending = beginning.ending
            ending.tell()
            ending.loseChannel(at: 1)
            #expect(!ending.sayGoodbye() && ending.crash(at: 1) == [] && ending.missThread(at: 1) == [])
            #expect(ending.hang(Self.place, thread: 7, at: 1) == [] && ending == beginning.ending)
        }
        var hung = WorkerEnding.hang(Self.place, thread: 7, at: 0).ending
        hung.tell()
        #expect(hung == .hung(Self.place, .aborting(killAt: .ns(WorkerEnding.patience)), wasTold: true))
        #expect(hung.manner(of: .exited(0)) == .timeout(Self.place))
    }
}
