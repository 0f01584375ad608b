internal import HostSupervisor
internal import HostSystem
internal import HostValues
internal import HostWire

/// A client of the host that runs on a state directory.
final class HostClient {
    /// The reason why a request failed.
    enum Failure: Error, CustomStringConvertible {
        /// No host runs there.
        case noHost(String)
        /// A process of another user listens on the socket.
        case foreign(String, UInt32)
        /// The host does not answer, or not in the protocol.
        case silent(String)
        /// The host refuses the request, or answers a different one.
        case refused(String)

        var description: String {
            switch self {
            case .noHost(let path):
                "no host runs with the state directory \(path): start one with schedhost --plugins DIR, or name its "
                    + "state directory with --state"
            case .foreign(let path, let user):
                "what listens in \(path) is user \(user)'s, who is neither root nor the owner of that directory: ask nothing of "
                    + "it, and find out who put it there"
            case .silent(let text), .refused(let text): text
            }
        }
    }

    private let socket: Descriptor
    private let path: String
    private var rest: [UInt8] = []

    /// Connects to the host of that state directory; `timeout` is the limit for each answer, in ms.
    init(state path: String, timeout: Int32 = 10_000) throws {
        self.path = path
        Signals.ignoreBrokenPipes()
        let (owner, peer): (UInt32, UInt32)
        do throws(SystemError) {
            let directory = try Directory(path)
            socket = try UnixSocket.connect(directory, name: HostState.controlSocket, timeout: timeout)
            owner = try directory.descriptor.status(subject: path).owner
            peer = try socket.peer().user
        } catch {
            if error.isNotFound || error.isRefused { throw Failure.noHost(path) }
            throw error
        }
        // Another user's process could give arbitrary answers, and would receive requests that are meant for the host.
        guard [0, owner, HostProcess.user].contains(peer) else { throw Failure.foreign(path, peer) }
    }

    /// Sends a request and waits for the answer.
    func ask(_ request: ControlRequest) throws -> ControlResponse {
        var line: [UInt8]?
        do throws(SystemError) {
            try socket.writeAll(request.line(), subject: "control socket")
            line = try readLine()
        } catch {
            if !error.isClosedByPeer { throw error }
        }
        let host = "the host with the state directory \(path)"
        guard let line else {
            throw Failure.silent("\(host) has closed the connection: it is ending, or another user's; see its log")
        }
        guard let response = ControlResponse(line: line) else {
            throw Failure.silent("\(host) gives an answer that this version cannot read")
        }
        return response
    }

    /// Sends a request and returns the part of the answer that `pick` selects. Throws if `pick` returns nil.
    func ask<Answer>(_ request: ControlRequest, for pick: (ControlResponse) -> Answer?) throws -> Answer {
        let response = try ask(request)
        if let answer = pick(response) { return answer }
        if case .failed(let text) = response { throw Failure.refused(text) }
        throw Failure.refused("the host gives another answer than was asked for")
    }

    /// The status of the host.
    func status() throws -> HostStatus {
        try ask(ControlRequest(.status)) { if case .status(let status) = $0 { status } else { nil } }
    }

    /// The next line without its line break; nil if the host has closed the connection.
    private func readLine() throws(SystemError) -> [UInt8]? {
        var searched = 0
        while true {
            if let end = rest[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(rest[..<end])
                rest.removeFirst(end + 1)
                return line
            }
            searched = rest.count
            let bytes = try socket.read(atMost: 1 << 20, subject: "control socket")
            if bytes.isEmpty { return nil }
            if rest.count > 1 << 30 { return [] }
            rest += bytes
        }
    }
}
