internal import HostWire

/// A connection to the control socket. Each line is a request; the answers come in the same order.
final class ControlConversation: SocketConversation {
    private var buffer: [UInt8] = []
    private var first = 0
    private var isSpoiled = false
    private let answer: (ControlRequest) -> [UInt8]

    /// Makes a conversation; `answer` returns the response line to a request.
    init(answer: @escaping (ControlRequest) -> [UInt8]) { self.answer = answer }

    func take(_ bytes: [UInt8]) {
        buffer.removeFirst(first)
        first = 0
        buffer += bytes
    }

    var isWaitingForRest: Bool { first < buffer.count }

    func next() -> SocketReply? {
        guard !isSpoiled else { return nil }
        guard let end = buffer[first...].firstIndex(of: UInt8(ascii: "\n")) else {
            guard buffer.count - first > ControlRequest.longest else { return nil }
            return refuse()
        }
        let line = Array(buffer[first..<end])
        first = end + 1
        if line.count > ControlRequest.longest { return refuse() }
        if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D }) { return SocketReply(pieces: []) }
        do throws(ControlRequest.Malformed) {
            return SocketReply(pieces: [answer(try ControlRequest(line: line))])
        } catch {
            return SocketReply(pieces: [ControlResponse.failed("\(error)").line()])
        }
    }

    /// Refuses a line that is too long. What follows it cannot be parsed.
    private func refuse() -> SocketReply {
        isSpoiled = true
        buffer = []
        first = 0
        let most = ControlRequest.longest >> 10
        return SocketReply(
            pieces: [ControlResponse.failed("a request may have \(most) KiB").line()], closes: true)
    }
}
