internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire

/// Removes values of shared caches from their store, as people want, and knows what came of it.
///
/// It answers by commands for the store's worker, which wait in `take`.
final class SharedClearing {
    /// How long one call to the store may take, in ms.
    private static let timeoutMs: UInt64 = 2000
    /// What came of so many removals is remembered.
    private static let mostRemembered: UInt64 = 16

    private let store: StoreWorker
    private let prefix: String
    private var commands: [StoreCommand] = []
    private var last: UInt64 = 0
    private var answers: [UInt64: SharedClearAnswer] = [:]

    /// Removals from the store of that cluster's caches.
    init(_ settings: ClusterSettings, _ store: StoreWorker) {
        self.store = store
        prefix = "schedhost/\(settings.name)/"
        store.listen { [weak self] in self?.hear($0) }
    }

    /// What to send to the store's worker since the last call.
    func take() -> [StoreCommand] {
        defer { commands = [] }
        return commands
    }

    /// Whether there is anything to be done.
    var hasOrders: Bool { !commands.isEmpty }

    private func hear(_ news: StoreWorker.News) {
        switch news {
        case .ready, .failed: break
        case .gone:
            for (number, answer) in answers where answer == .underWay(number) {
                answers[number] = .done(removed: 0, trouble: "the store's worker has ended")
            }
        }
    }

    /// The store's worker has removed them.
    func heard(_ number: UInt64, removed: UInt64, trouble: String?) {
        guard answers[number] == .underWay(number) else { return }
        answers[number] = .done(removed: removed, trouble: trouble)
    }

    /// Begins a removal, or says what came of the one that is asked for. `plugins` are those that this host has.
    func answer(_ request: ControlRequest, plugins: [String]) -> SharedClearAnswer {
        if let number = request.after {
            return answers[number] ?? .done(removed: 0, trouble: "nobody knows any more what came of it")
        }
        guard store.isServing else { return .done(removed: 0, trouble: "its worker does not run at present") }
        last += 1
        answers[last] = .underWay(last)
        if last > Self.mostRemembered { answers[last - Self.mostRemembered] = nil }
        commands.append(
            .clear(last, Self.selection(request, plugins), prefix: prefix, timeoutMs: Self.timeoutMs))
        return .underWay(last)
    }

    /// What a request means. A plugin's name means its instances too.
    static func selection(_ request: ControlRequest, _ plugins: [String]) -> SharedSelection {
        var starts: [String] = []
        for identifier in request.identifiers {
            let parts = identifier.split(separator: "/", maxSplits: 1).map { String($0) }
            guard let word = parts.first else { continue }
            for plugin in Set(plugins.filter { InstanceName.matches($0, by: word) } + [word]).sorted() {
                var start = CacheName.encode(plugin) + "/"
                if parts.count > 1 { start += CacheName.encode(parts[1]) + "/" }
                if let name = request.name { start += CacheName.encode(name) + "/" }
                starts.append(start)
            }
        }
        if request.identifiers.isEmpty { starts = [""] }
        return SharedSelection(starts: starts, key: request.key.map { $0.isEmpty ? "" : CacheName.encode($0) })
    }
}
