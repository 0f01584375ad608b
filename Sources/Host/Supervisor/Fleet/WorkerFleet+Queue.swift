internal import HostSystem
internal import HostValues

extension WorkerFleet {
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
                if error.isUnderWay {
                    let isNew = queue.postpone(number, at: clock.monotonic())
                    if isNew { events.append(.said(load.key, .info, "no worker for \(load.name) yet: \(error)")) }
                    continue
                }
                guard error.isShortage else {
                    events.append(.noWorker(plugin: number, "no worker for it: \(error)"))
                    continue
                }
                // The host's own shortage does not incriminate the file.
                guard haltQueue(at: clock.monotonic() + LoadQueue.retry, for: number) else { continue }
                let text = "no worker for \(load.name): \(error); it is tried again until there is one"
                events.append(.said(load.key, .error, text))
            }
        }
    }
}
