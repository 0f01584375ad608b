internal import CPluginAPI
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// One plugin in this worker, with its routines' runners and their threads.
@safe final class PluginContext: @unchecked Sendable {
    // @unchecked: the control thread sets it up before the first session; it does not change afterwards.

    let number: Int
    let id: String
    let idText: CText
    let isSerial: Bool
    private let descriptor: schedhost_plugin
    /// The host's function table, which the routines' schedulers point to.
    let table: UnsafePointer<schedhost_host>
    let ledger: LedgerFile
    let clock: any HostClock
    /// The clock as the routines read it.
    let turnClock: TurnClock
    private let clockBox: TurnClock.Box?
    let channel: any EventSink
    let log: LogGate
    let budget: CacheBudget
    let cachePlace: CachePlace?
    /// The place of the disk caches that the plugin's routines share.
    let sharedPlace: CachePlace?
    /// The way to the store by which caches share values with other hosts; nil if there is none.
    let shared: SharedSocket?
    private let sessions: SessionCounter
    private var lastParameters: (text: String, parameters: Parameters)?
    private var lastTerms: SessionTerms?
    /// The memory of the routines' cells; nil until `prepare`.
    private(set) var cells: RoutineCells?
    private(set) var runners: [RoutineRunner] = []
    /// Gives the routines their turns; nil until `prepare`.
    private(set) var driver: (any TurnDriver)?
    /// The scope of the plugin itself, for `load` and `unload`, and for the caches that its routines share; it belongs to
    /// no routine.
    private(set) var scope: RoutineRunner?
    /// What its sessions ask about those before them.
    let history = SessionHistory()
    /// How many calls of each routine wait in virtual time for a load of another one. A type without parameters, as in
    /// `SessionHistory`.
    private struct Waiting {
        var calls: [Int: Int] = [:]
    }

    private let waiting = Monitor(Waiting())
    /// Whether time is virtual. By its type: a cast would look through all conformances.
    let isVirtual: Bool

    init(
        number: Int, instance: String? = nil, loaded: LoadedPlugin, ledger: LedgerFile, clock: any HostClock,
        channel: any EventSink,
        log: LogGate,
        sessions: SessionCounter, budget: CacheBudget, cachePlace: CachePlace?, sharedPlace: CachePlace? = nil,
        shared: SharedSocket? = nil, hasOwnTable: Bool = false
    ) {
        self.number = number
        isVirtual = type(of: clock) == VirtualClock.self
        self.ledger = ledger
        self.clock = clock
        (turnClock, clockBox) = TurnClock.reading(clock)
        self.channel = channel
        self.log = log
        self.sessions = sessions
        self.budget = budget
        self.cachePlace = cachePlace
        self.sharedPlace = sharedPlace ?? cachePlace
        self.shared = shared
        id = InstanceName.fullName(loaded.description.id, instance)
        idText = CText(id)
        isSerial = loaded.description.isSerial
        unsafe descriptor = unsafe loaded.descriptor
        unsafe table = unsafe hasOwnTable ? HostTable.another() : HostTable.shared
    }

    deinit {
        // Runners end their cells, whose memory therefore goes last.
        driver = nil
        runners = []
        scope = nil
    }

    /// Makes the runners of the plugin's routines, and the driver that gives them their turns: in real time, or on a
    /// virtual clock. Throws if the kernel provides no timer.
    /// `caches` are the settings of the caches that the routines share.
    func prepare(
        _ loaded: LoadedPlugin, parameters: String, caches: CacheSettings = CacheSettings(),
        on virtual: VirtualClock? = nil
    ) throws(SystemError) {
        let cells = unsafe RoutineCells(count: loaded.routines.count + 1)
        self.cells = cells
        var last: RoutineCallbacks?
        runners = unsafe loaded.routines.enumerated().map { index, routine in
            let callbacks = unsafe RoutineCallbacks(routine, after: last)
            last = callbacks
            return RoutineRunner(
                index: index, plugin: self, callbacks: callbacks, cells: cells, cell: index)
        }
        if let virtual {
            driver = VirtualTime(runners: runners, isSerial: isSerial, clock: virtual)
        } else {
            driver = try RunPool(name: id, runners: runners, isSerial: isSerial, clock: clock)
        }
        let scope = unsafe RoutineRunner(
            index: -1, plugin: self, callbacks: RoutineCallbacks(), cells: cells, cell: runners.count)
        scope.openScope(parameters: parameters, caches: caches)
        self.scope = scope
    }

    /// The store that the plugin offers.
    func offeredStore() throws(OfferedStore.Fault) -> OfferedStore { try unsafe OfferedStore(of: descriptor) }

    /// Calls the plugin's `load`; returns the text of its failure, or nil.
    func load() -> String? {
        unsafe callScope(.loading, descriptor.load)
    }

    /// Calls the plugin's `unload`; returns the text of its failure, or nil.
    func unload() -> String? {
        unsafe callScope(.unloading, descriptor.unload)
    }

    private func callScope(
        _ state: LedgerState,
        _ callback: (@convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Int32)?
    ) -> String? {
        guard let scope, let callback = unsafe callback else { return nil }
        return unsafe scope.callScope(state, callback, user: descriptor.user)
    }

    /// Parses parameters. Successive equal texts, which are common among many routines, share one object. Call it on
    /// the control thread only.
    func parameters(_ text: String) -> Parameters {
        if let last = lastParameters, last.text == text { return last.parameters }
        let parameters = Parameters(json: text)
        lastParameters = (text, parameters)
        return parameters
    }

    /// The terms of a session; successive equal ones share one object, likewise.
    func terms(
        parameters text: String, caches: CacheSettings, onError: ErrorDefault = SessionTerms.noRetries,
        timeout: Int64 = 0
    ) -> SessionTerms {
        let parameters = parameters(text)
        if let last = lastTerms, last.parameters === parameters, last.caches == caches, last.onError == onError,
            last.timeout == timeout
        {
            return last
        }
        let terms = SessionTerms(parameters: parameters, caches: caches, onError: onError, timeout: timeout)
        lastTerms = terms
        return terms
    }

    /// Reports that a runner's session has ended.
    func sessionEnded(_ ended: WorkerEvent.Ended) {
        channel.send(.ended(ended))
        sessions.end()
    }

    /// Makes the calls look again that wait for loads of caches which the routines share.
    func wakeCaches() { scope?.caches.wake() }

    /// Lets a call of a routine wait for such a load in virtual time; false where time is real.
    func waitVirtually(_ runner: RoutineRunner, until deadline: MonotonicTime) -> Bool {
        guard let driver, driver.isVirtual else { return false }
        waiting.withLock { $0.calls[runner.index, default: 0] += 1 }
        defer {
            waiting.withLock { waiting in
                let left = waiting.calls[runner.index, default: 1] - 1
                waiting.calls[runner.index] = left > 0 ? left : nil
            }
        }
        return driver.wait(runner, until: deadline)
    }

    /// Wakes the calls that wait so.
    func wakeWaiting() {
        for index in waiting.withLock({ Array($0.calls.keys) }) { driver?.poke(index) }
    }

    /// The runner of a routine by its number; nil if there is none. The plugin itself has the number -1.
    func runner(_ routine: Int) -> RoutineRunner? {
        if routine == -1 { return scope }
        return runners.indices.contains(routine) ? runners[routine] : nil
    }
}

extension RoutineRunner {
    /// Sets this runner up as the scope of the plugin itself.
    func openScope(parameters: String, caches: CacheSettings) {
        session = Session(
            plugin.terms(parameters: parameters, caches: caches), startMs: clock.wallMilliseconds(),
            startBoot: clock.boot())
    }

    /// Calls `load` or `unload`; returns the text of its failure, or nil.
    func callScope(
        _ state: LedgerState,
        _ callback: @convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Int32,
        user: UnsafeMutableRawPointer?
    ) -> String? {
        unsafe cell.pointee.callback.enter(isCycle: false)
        let code = unsafe callback(scheduler, user)
        unsafe cell.pointee.callback.leave()
        if caches.areUsed { _ = caches.callbackEnded(now: clock.boot()) }
        let failure = takeFailure(.load, code, cycle: 0, attempt: 1)
        return code == 0 ? nil : failure.text
    }
}
