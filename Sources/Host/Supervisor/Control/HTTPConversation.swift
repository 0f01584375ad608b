internal import HostWire

/// An HTTP connection to the page and the metrics.
final class HTTPConversation: SocketConversation {
    private var buffer: [UInt8] = []
    private var search = HTTPRequest.Search()
    private var isOver = false
    private let hosts: AnsweredHosts
    private let answer: (HTTPRequest) -> HTTPResponse

    /// Makes a conversation that serves requests to these hosts.
    init(hosts: AnsweredHosts, answer: @escaping (HTTPRequest) -> HTTPResponse) {
        self.hosts = hosts
        self.answer = answer
    }

    func take(_ bytes: [UInt8]) { if !isOver { buffer += bytes } }

    var isWaitingForRest: Bool { !buffer.isEmpty }

    func next() -> SocketReply? {
        guard !isOver, !buffer.isEmpty else { return nil }
        switch HTTPRequest.read(buffer[...], &search) {
        case .partial: return nil
        case .refused(let status, let text):
            return last(HTTPResponse(status: status, text: text))
        case .request(let request, let length):
            buffer.removeFirst(length)
            search = HTTPRequest.Search()
            guard hosts.contains(request.host) else {
                return last(HTTPResponse(status: 421, text: misdirected))
            }
            let response = answer(request)
            let head = response.head(keepsAlive: request.keepsAlive)
            isOver = !request.keepsAlive
            return SocketReply(pieces: request.method == "HEAD" ? [head] : [head, response.body], closes: isOver)
        }
    }

    private var misdirected: String {
        switch hosts {
        case .loopback: "this host answers to localhost and 127.0.0.1 only"
        case .network, .any:
            "this host answers to addresses, to the machine's name and to the names of --listen-name only"
        }
    }

    private func last(_ response: HTTPResponse) -> SocketReply {
        isOver = true
        buffer = []
        return SocketReply(pieces: [response.head(keepsAlive: false), response.body], closes: true)
    }
}
