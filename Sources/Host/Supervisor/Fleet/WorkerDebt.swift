internal import HostWire

/// What a worker still owes in answers to what it was told. Pure.
///
/// A loaded plugin is told of once, a session ends once, and each request for a turn is over once. A session may ask for a turn
/// when it begins, when its last turn was granted, and when it was told something itself. So nobody who writes on the channel
/// can earn more by asking than a session that really runs its cycles.
struct WorkerDebt {
    /// Answers that a store worker may give to one request, and what it may say by itself meanwhile.
    private static let storeAnswers = 3
    private static let mostStoreAnswers = 10_000

    private var loads = 0
    private var sessions = 0
    /// Requests for turns that may still come, and those that came and are not over.
    private var turns = 0
    private var openTurns = 0
    private var storeAnswers = 0
    /// Sessions that may still ask for those before them.
    private var histories = 0
    /// A worker may also leave by itself, once.
    private var goodbyes = 1

    /// Whether a store worker may answer with all records of a cluster, which is a long line.
    var isOwedByStore: Bool { storeAnswers > 0 }

    /// Whether a line may be long that it owes: such an answer, or the end of a session, with the routine's own columns.
    var owesLongLine: Bool { isOwedByStore || sessions > 0 }

    /// It was told something.
    mutating func sent(_ command: WorkerCommand) {
        switch command {
        case .load: loads += 1
        case .start:
            sessions += 1
            turns += 1
            histories += 1
        // Twice as many as there are sessions: one that waits for its turn may withdraw its request and ask again.
        case .stop, .runNow, .pause, .resume, .go: turns = min(turns + 1, 2 * sessions)
        case .store(.share): break
        case .store: storeAnswers = min(storeAnswers + Self.storeAnswers, Self.mostStoreAnswers)
        case .quit: goodbyes = 1
        case .seal, .confine, .history, .dropCached, .logLevel, .share: break
        }
    }

    /// It says something; returns whether it owed that.
    mutating func heard(_ event: WorkerEvent) -> Bool {
        switch event {
        case .described, .loaded, .refused: return Self.pay(&loads)
        case .ended: return Self.pay(&sessions)
        case .wantsTurn:
            if openTurns < sessions, Self.pay(&turns) {
                openTurns += 1
                return true
            }
            return false
        case .turnOver: return Self.pay(&openTurns)
        case .wantsHistory: return Self.pay(&histories)
        case .store: return Self.pay(&storeAnswers)
        case .goodbye: return Self.pay(&goodbyes)
        case .log, .dropped, .wantsShared: return false
        }
    }

    private static func pay(_ debt: inout Int) -> Bool {
        if debt == 0 { return false }
        debt -= 1
        return true
    }
}
