internal import HostSystem
internal import HostValues

extension WorkerFleet {
    /// After how long a failed start of a worker is retried, in ns.
    private static let retry: Int64 = 2_000_000_000

    /// Whether the process is a worker.
    func isWorker(_ pid: Int32) -> Bool { workers.values.contains { $0.process?.pid == pid } }

    /// Has waiting plugins described. `order` makes a plugin's order when its turn comes, or nil if none is needed.
    func describeWaiting(_ order: (Int) -> Load?) {
        while let number = nextToDescribe() {
            guard let load = order(number) else {
                leaveQueue(number)
                continue
            }
            do throws(SystemError) {
                try prepare(load)
                queueGoesOn()
            } catch {
                guard error.isShortage else {
                    events.append(.noWorker(plugin: number, "no worker for it: \(error)"))
                    continue
                }
                // The host's own shortage does not incriminate the file.
                if haltQueue(at: clock.monotonic() + Self.retry, for: number) {
                    let text = "no worker for \(load.name): \(error); it is tried again until there is one"
                    events.append(.said(load.key, .error, text))
                }
            }
        }
    }
}
