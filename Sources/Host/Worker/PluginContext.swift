internal import CPluginAPI
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// One plugin in this worker, with its runners and their threads.
@safe final class PluginContext: @unchecked Sendable {
    // @unchecked: set up by the control thread before the first session; constant from then on.

    let number: Int
    let id: String
    let idText: CText
    let isSerial: Bool
    private let descriptor: schedhost_plugin
    let ledger: LedgerFile
    let clock: any HostClock
    let channel: any EventSink
    let log: LogGate
    let budget: CacheBudget
    let cachePlace: CachePlace?
    private let sessions: SessionCounter
    private var lastParameters: (text: String, parameters: Parameters)?
    private(set) var runners: [RoutineRunner] = []
    /// What gives the routines their turns.
    private(set) var driver: (any TurnDriver)?
    /// The plugin's own scope: no routine, for `load` and `unload`.
    private(set) var scope: RoutineRunner?

    init(
        number: Int, instance: String? = nil, loaded: LoadedPlugin, ledger: LedgerFile, clock: any HostClock,
        channel: any EventSink,
        log: LogGate,
        sessions: SessionCounter, budget: CacheBudget, cachePlace: CachePlace?
    ) {
        self.number = number
        self.ledger = ledger
        self.clock = clock
        self.channel = channel
        self.log = log
        self.sessions = sessions
        self.budget = budget
        self.cachePlace = cachePlace
        id = InstanceName.whole(loaded.description.id, instance)
        idText = CText(id)
        isSerial = loaded.description.isSerial
        unsafe descriptor = unsafe loaded.descriptor
    }

    /// Makes the runners of the plugin that this is the context of, and who gives them their turns: as time passes, or on a
    /// virtual clock. Of the rest of the plugin nothing is kept. Throws when the kernel gives no timer.
    func prepare(_ loaded: LoadedPlugin, parameters: String, on virtual: VirtualClock? = nil) throws(SystemError) {
        runners = unsafe loaded.routines.enumerated().map { index, callbacks in
            unsafe RoutineRunner(
                index: index, name: loaded.description.routines[index].name, plugin: self, callbacks: callbacks)
        }
        if let virtual {
            driver = VirtualTime(runners: runners, isSerial: isSerial, clock: virtual)
        } else {
            driver = try RunPool(name: id, runners: runners, isSerial: isSerial, clock: clock)
        }
        let scope = unsafe RoutineRunner(index: -1, name: "", plugin: self, callbacks: schedhost_routine())
        scope.openScope(parameters: parameters)
        self.scope = scope
    }

    /// Calls the plugin's `load`; returns the text of its failure.
    func load() -> String? {
        unsafe callScope(.loading, descriptor.load)
    }

    /// Calls the plugin's `unload`; returns the text of its failure.
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

    /// Parameters from their text; equal ones in a row, as those of many routines are, are one object. Called by the
    /// control thread only.
    func parameters(_ text: String) -> Parameters {
        if let last = lastParameters, last.text == text { return last.parameters }
        let parameters = Parameters(json: text)
        lastParameters = (text, parameters)
        return parameters
    }

    /// A runner's session is over.
    func sessionEnded(_ ended: WorkerEvent.Ended) {
        channel.send(.ended(ended))
        sessions.end()
    }

    /// The runner of a routine, if there is one of that number.
    func runner(_ routine: Int) -> RoutineRunner? {
        runners.indices.contains(routine) ? runners[routine] : nil
    }
}

extension RoutineRunner {
    /// Makes this the plugin's own scope.
    func openScope(parameters: String) {
        session = Session(
            parameters: plugin.parameters(parameters), startMs: clock.wallMilliseconds(), startBoot: clock.boot())
        unsafe cell.pointee.place.plugin = unsafe plugin.idText.pointer
        unsafe cell.pointee.place.routine = unsafe nameText.pointer
        unsafe cell.pointee.place.session = unsafe nameText.pointer
        unsafe cell.pointee.place.attempt = 1
    }

    /// Calls a callback of the plugin's own; returns the text of its failure.
    func callScope(
        _ state: LedgerState,
        _ callback: @convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Int32,
        user: UnsafeMutableRawPointer?
    ) -> String? {
        unsafe cell.pointee.callbackThread.store(Thread.current, ordering: .relaxed)
        let code = unsafe callback(scheduler, user)
        unsafe cell.pointee.callbackThread.store(0, ordering: .relaxed)
        let failure = takeFailure(.load, code, cycle: 0, attempt: 1)
        return code == 0 ? nil : failure.text
    }
}
