internal import HostPolicy
internal import HostValues
internal import HostWire

/// What the host hears on one worker's channel: events out of bytes, and what of it can be none of the worker's.
///
/// A plugin can write on the channel itself. What a worker says is bounded: an answer or two to each command (`WorkerDebt`),
/// and log lines within a budget of its own. What is more than that is *foreign*.
struct WorkerHearing {
    /// What is to be told, in order.
    enum Told: Equatable {
        /// `isOwed`: it answers something that the worker was told.
        case event(WorkerEvent, isOwed: Bool)
        /// A line that is no event.
        case garbage
        case flood(FloodWatch.News)
    }

    /// What came of some bytes.
    struct Heard {
        var told: [Told] = []
        /// Bytes of lines that answer nothing: log lines, and what is foreign.
        var charged = 0
        /// Of these, those of what is foreign.
        var foreign = 0
        /// What that took of a processor, ns: a line is read as JSON. What is owed costs nothing here, since a worker that
        /// gives many answers must not be heard more seldom for that.
        var cost: Int64 { charged == 0 ? 0 : 20_000 + Int64(charged) * 40 }
        /// Whether most of it was none of the worker's.
        var isForeign: Bool { foreign > charged / 2 }
    }

    /// The longest line is the description of a plugin: some 80 bytes a routine, and there may be 100 000. While neither one
    /// nor a store's answer is awaited, no line is longer than `WorkerEvent.longestLine`.
    private static let longestDescription = 32 << 20

    private var lines = LineSplitter(limit: WorkerEvent.longestLine)
    private var awaited = 0
    private var debt = WorkerDebt()
    private var wishes = SharedWishes()
    /// A little more than a worker sends that keeps to its own budget.
    private var budget = LineBudget(atOnce: 3000, perSecond: 250)
    private var flood = FloodWatch()

    /// When `look` is due.
    var nextCheck: MonotonicTime? { flood.nextCheck }

    /// It is told something.
    mutating func sent(_ command: WorkerCommand) {
        debt.sent(command)
        wishes.sent(command)
        limit()
        if case .load(let load) = command, !load.isForRunning { expect(1) }
    }

    /// Takes the next bytes.
    mutating func take(_ bytes: [UInt8], at now: MonotonicTime) -> Heard {
        var texts: [LineSplitter.Line] = []
        lines.take(bytes) { texts.append($0) }
        var heard = Heard()
        // The middle of a long line that is owed is none of a flood's, unless it is too long to be one.
        let isOwed = (awaited > 0 || debt.owesLongLine) && !lines.isSkipping
        if texts.isEmpty, !isOwed { charge(bytes.count, &heard) }
        for text in texts { hear(text, at: now, &heard) }
        // One empty line is before each event, so that what a plugin has begun there ends.
        let begun = texts.count { $0 == .whole([]) }
        heard.charged += max(0, begun * 2 - texts.count)
        return heard
    }

    private mutating func hear(_ line: LineSplitter.Line, at now: MonotonicTime, _ heard: inout Heard) {
        let size: Int
        var event: WorkerEvent?
        switch line {
        case .whole(let text):
            size = text.count + 1
            if text.isEmpty { return }
            event = WorkerEvent(line: text)
        case .cut(let text): size = text.count
        }
        guard let event else {
            if heard.told.last != .garbage { heard.told.append(.garbage) }
            return charge(size, &heard)
        }
        switch event {
        case .log(let line):
            heard.charged += size
            if budget.spend(bytes: line.text.utf8.count, at: now).isAllowed {
                return heard.told.append(.event(event, isOwed: false))
            }
            heard.foreign += size
            if let news = flood.drop(1, at: now) { heard.told.append(.flood(news)) }
            return
        case .dropped(let count):
            heard.charged += size
            if let news = flood.drop(count, at: now) { heard.told.append(.flood(news)) }
            return
        case .wantsShared(let plugin):
            // Nothing that it was told makes it ask. What comes too soon is not told, as with log lines.
            guard wishes.ask(plugin, at: now) else { return charge(size, &heard) }
            heard.charged += size
            return heard.told.append(.event(event, isOwed: false))
        case .described, .refused: expect(-1)
        case .loaded, .ended, .wantsTurn, .turnOver, .wantsHistory, .goodbye, .store: break
        }
        let isOwed = debt.heard(event)
        if case .store = event { limit() }
        if !isOwed { charge(size, &heard) }
        // A session asks once, so that nobody is answered more often than sessions begin.
        if !isOwed, case .wantsHistory = event { return }
        heard.told.append(.event(event, isOwed: isOwed))
    }

    private func charge(_ size: Int, _ heard: inout Heard) {
        heard.charged += size
        heard.foreign += size
    }

    /// So many more descriptions are awaited.
    private mutating func expect(_ more: Int) {
        awaited = max(0, awaited + more)
        limit()
    }

    private mutating func limit() {
        lines.limit =
            awaited > 0
            ? Self.longestDescription : debt.isOwedByStore ? StoreEvent.longestLine : WorkerEvent.longestLine
    }

    /// The time of `nextCheck` may have come.
    mutating func look(at now: MonotonicTime) -> [Told] { flood.look(at: now).map { [.flood($0)] } ?? [] }

    /// It is dead, and nothing comes any more.
    mutating func finish() -> [Told] { flood.finish().map { [.flood($0)] } ?? [] }
}
