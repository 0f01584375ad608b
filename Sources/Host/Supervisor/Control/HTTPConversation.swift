internal import HostWire

/// An HTTP connection to the page and the metrics.
final class HTTPConversation: SocketConversation {
    private var buffer: [UInt8] = []
    private var search = HTTPRequest.Search()
    private var isOver = false
    private let answersAnyHost: Bool
    private let answer: (HTTPRequest) -> HTTPResponse

    /// Makes a conversation. Unless `answersAnyHost` is set, only requests whose Host header names the loopback
    /// interface are served.
    init(answersAnyHost: Bool, answer: @escaping (HTTPRequest) -> HTTPResponse) {
        self.answersAnyHost = answersAnyHost
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
            guard answersAnyHost || request.isForLoopback else {
                return last(HTTPResponse(status: 421, text: "this host answers to localhost and 127.0.0.1 only"))
            }
            let response = answer(request)
            let head = response.head(keepsAlive: request.keepsAlive)
            isOver = !request.keepsAlive
            return SocketReply(pieces: request.method == "HEAD" ? [head] : [head, response.body], closes: isOver)
        }
    }

    private func last(_ response: HTTPResponse) -> SocketReply {
        isOver = true
        buffer = []
        return SocketReply(pieces: [response.head(keepsAlive: false), response.body], closes: true)
    }
}
