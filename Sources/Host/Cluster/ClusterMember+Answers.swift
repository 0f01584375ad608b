internal import HostValues

/// What follows from the store's answers.
extension ClusterMember {
    mutating func take(_ answer: StoreAnswer, _ id: UInt64, at now: BootTime) {
        guard let asked = talk.answered(id) else { return }
        var outcome = answer.outcome
        if case .unknown = outcome, missing == .unknownIsUndone { outcome = .done(version: 0) }
        switch outcome {
        case .done(let version):
            view.take(done: asked.request, version: version, at: now)
            refusals.remove(asked.request.puts.map(\.key) + asked.request.deletes)
            look(answer, of: asked.request, at: now)
            succeed(asked, sent: answer.sent, at: now)
        case .changed:
            look(answer, of: asked.request, at: now)
            fail(asked, at: now)
        case .unknown:
            talk.doubt()
            talk.rest(until: now + backOff)
        case .refused(let text):
            fail(asked, at: now)
            refuse(asked, text, at: now)
        }
    }

    private mutating func look(_ answer: StoreAnswer, of request: StoreRequest, at now: BootTime) {
        guard let found = answer.found, !MemberRequests.lacksHosts(answer, of: request) else {
            if !request.reads.isEmpty || !request.lists.isEmpty {
                talk.doubt()
                talk.rest(until: now + backOff)
            }
            if answer.found != nil { report(.tooMuch(ClusterKey.hosts)) }
            return
        }
        view.take(found, of: request, by: requests, cut: answer.cut, isWanted: { claims.contains($0) }, at: now)
        guard request.lists(ClusterKey.leases) else { return }
        talk.refreshed()
        if answer.cut != nil {
            report(.tooMuch(ClusterKey.claims))
        } else if case .tooMuch = trouble {
            report(nil)
        }
    }

    private mutating func succeed(_ asked: PendingRequest, sent: BootTime, at now: BootTime) {
        switch asked.purpose {
        case .survey, .epoch: talk.rest(until: now + pause)
        case .bury, .sweep: break
        case .renewal:
            talk.rest(until: now + pause)
            if case .refuses = trouble { report(nil) }
            // Whoever sends says when; never before it was asked, nor after it was answered.
            let start = missing == .leaseFromSend ? now : min(max(sent, asked.asked), now)
            let times = LeaseTimes(
                start: start, length: min(asked.length, view.epoch.span(at: now)),
                killSixths: missing == .killBeforeTakeover ? 8 : 5)
            tell(.proved(times), at: now)
        case .take(let key): if let name = claims[key]?.name { change(name, .granted, at: now) }
        case .release(let key): if let name = claims[key]?.name { change(name, .released, at: now) }
        case .leave: close(at: now)
        }
    }

    /// What was known is not so any more: all is read again, soon.
    private mutating func fail(_ asked: PendingRequest, at now: BootTime) {
        switch asked.purpose {
        case .survey, .epoch: talk.rest(until: now + (talk.isFresh ? pause : backOff))
        case .renewal:
            if talk.isFresh { renewAt = now }
            talk.rest(until: now + (talk.isFresh ? pause : backOff))
        case .take(let key):
            if let name = claims[key]?.name { change(name, .denied, at: now) }
            doubt(at: now)
        case .release, .bury, .sweep, .leave: doubt(at: now)
        }
    }

    /// The store does not take what this host would write: that waits, and all else goes on.
    private mutating func refuse(_ asked: PendingRequest, _ text: String, at now: BootTime) {
        talk.doubt()
        switch asked.purpose {
        case .survey, .leave: talk.rest(until: now + length / 6)
        case .epoch, .renewal:
            talk.rest(until: now + length / 6)
            report(.refuses(key: asked.purpose == .epoch ? ClusterKey.epoch : requests.ownKey, text))
        case .take(let key), .release(let key): refused(key, text, at: now)
        case .bury, .sweep: for key in asked.request.deletes { refused(key, text, at: now) }
        }
    }

    private mutating func doubt(at now: BootTime) {
        talk.doubt()
        talk.rest(until: now + backOff / 5)
    }
}
