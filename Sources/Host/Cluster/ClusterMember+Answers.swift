internal import HostValues

/// What follows from the store's answers.
extension ClusterMember {
    mutating func take(_ answer: StoreAnswer, _ id: UInt64, at now: BootTime) {
        guard let asked = pending, asked.id == id else { return }
        pending = nil
        var outcome = answer.outcome
        if case .unknown = outcome, missing == .unknownIsUndone { outcome = .done(version: 0) }
        switch outcome {
        case .done(let version):
            view.take(done: asked.request, version: version, at: now)
            look(answer.found, of: asked.request, at: now)
            succeed(asked, sent: answer.sent, at: now)
        case .changed:
            look(answer.found, of: asked.request, at: now)
            fail(asked, at: now)
        case .unknown:
            isFresh = false
            retryAt = now + backOff
        case .refused:
            fail(asked, at: now)
            isFresh = false
            retryAt = now + length / 6
        }
    }

    private mutating func look(_ found: [StoreAnswer.Entry]?, of request: StoreRequest, at now: BootTime) {
        guard let found else {
            if !request.reads.isEmpty || !request.lists.isEmpty {
                isFresh = false
                retryAt = now + backOff
            }
            return
        }
        view.take(found, of: request, isWanted: { claims.contains($0) }, at: now)
        if request.lists.count == 2 { isFresh = true }
    }

    private mutating func succeed(_ asked: PendingRequest, sent: BootTime, at now: BootTime) {
        switch asked.purpose {
        case .survey, .epoch: retryAt = max(retryAt, now + pause)
        case .bury, .sweep: break
        case .renewal:
            retryAt = max(retryAt, now + pause)
            // Whoever sends says when; never before it was asked, nor after it was answered.
            let start = missing == .leaseFromSend ? now : min(max(sent, asked.asked), now)
            let times = LeaseTimes(
                start: start, length: length, killSixths: missing == .killBeforeTakeover ? 8 : 5)
            tell(.proved(times), at: now)
        case .take(let key): if let name = claims[key]?.name { change(name, .granted, at: now) }
        case .release(let key): if let name = claims[key]?.name { change(name, .released, at: now) }
        case .leave: close(at: now)
        }
    }

    /// What was known is not so any more: all is read again, soon.
    private mutating func fail(_ asked: PendingRequest, at now: BootTime) {
        switch asked.purpose {
        case .survey, .epoch: retryAt = now + (isFresh ? pause : backOff)
        case .renewal:
            if isFresh { renewAt = now }
            retryAt = now + (isFresh ? pause : backOff)
        case .take(let key):
            if let name = claims[key]?.name { change(name, .denied, at: now) }
            doubt(at: now)
        case .release, .bury, .sweep, .leave: doubt(at: now)
        }
    }

    private mutating func doubt(at now: BootTime) {
        isFresh = false
        retryAt = now + backOff / 5
    }
}
