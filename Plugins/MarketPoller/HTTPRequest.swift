internal import Glibc
internal import PluginAPI

/// One GET of an `http://` URL over a plain socket, within a time, given up when the host asks to stop.
struct HTTPRequest {
    let host: String
    let port: String
    let target: String

    /// Takes a URL apart: `http://host[:port][/path]`, the host also as `[IPv6]`.
    init(_ url: String) throws {
        let allowed = url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
        guard allowed, url.hasPrefix("http://") else {
            throw Failure("source \"\(url)\": an http:// URL has no spaces; write other characters as %XX")
        }
        let rest = url.dropFirst("http://".count).prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let path = rest[authority.endIndex...]
        guard !authority.contains("@") else { throw Failure("source: a user in the URL is not supported") }
        var name = authority
        var port: Substring = "80"
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            name = authority[..<colon]
            port = authority[authority.index(after: colon)...]
        }
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        guard !name.isEmpty, let number = UInt16(port), number > 0 else {
            throw Failure("source \"\(url)\": give http://host:port/path, the port from 1 to 65535")
        }
        host = String(name)
        self.port = String(number)
        target = path.hasPrefix("/") ? String(path) : "/" + path
    }

    /// The body of the answer.
    func body(timeout: Duration) throws -> [UInt8] {
        let deadline = ContinuousClock.now + timeout
        let socket = try connected(deadline)
        defer { close(socket) }
        try send(socket, deadline)
        var response = HTTPResponse(limit: largestSnapshot)
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            try wait(socket, Int16(POLLIN), deadline)
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress, $0.count, 0) }
            if count < 0 && (errno == EAGAIN || errno == EINTR) { continue }
            guard count >= 0 else { throw systemFailure(place) }
            if count == 0 {
                guard response.isCompleteAtEnd() else { throw Failure("\(place): the answer ends too early") }
                return response.body
            }
            if try response.receive(chunk[..<count]) { return response.body }
        }
    }

    private var place: String { "http://\(host):\(port)" }

    /// Connects to the first address that answers. Each address has its share of the time that is left, so that one which
    /// swallows packets does not take that of the next one. getaddrinfo(3), connect(2).
    private func connected(_ deadline: ContinuousClock.Instant) throws -> Int32 {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, port, &hints, &list)
        guard code == 0 else {
            throw Failure("\(host): \(unsafe gai_strerror(code).map { unsafe String(cString: $0) } ?? "not found")")
        }
        defer { unsafe freeaddrinfo(list) }
        var failure = Failure("\(host) has no address")
        var untried = 0
        var next = unsafe list
        while let address = unsafe next {
            untried += 1
            unsafe next = address.pointee.ai_next
        }
        unsafe next = unsafe list
        while let address = unsafe next {
            let now = ContinuousClock.now
            do {
                return try unsafe connect(address.pointee, now + (deadline - now) / untried)
            } catch let error as Failure {
                failure = error
            }
            untried -= 1
            unsafe next = address.pointee.ai_next
        }
        throw failure
    }

    private func connect(_ address: addrinfo, _ deadline: ContinuousClock.Instant) throws -> Int32 {
        let kind = unsafe address.ai_socktype | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let number = unsafe socket(address.ai_family, kind, address.ai_protocol)
        guard number >= 0 else { throw systemFailure(place) }
        do {
            if unsafe Glibc.connect(number, address.ai_addr, address.ai_addrlen) != 0 {
                guard errno == EINPROGRESS || errno == EINTR else { throw systemFailure(place) }
                try wait(number, Int16(POLLOUT), deadline)
                var code: Int32 = 0
                var size = socklen_t(MemoryLayout<Int32>.size)
                unsafe getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &size)
                if code != 0 {
                    errno = code
                    throw systemFailure(place)
                }
            }
            return number
        } catch {
            close(number)
            throw error
        }
    }

    private func send(_ socket: Int32, _ deadline: ContinuousClock.Instant) throws {
        let name = host.contains(":") ? "[\(host)]" : host
        let text = """
            GET \(target) HTTP/1.1\r
            Host: \(name)\(port == "80" ? "" : ":" + port)\r
            Accept: application/json\r
            User-Agent: schedhost-market-poller/1.0\r
            Connection: close\r
            \r

            """
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            try wait(socket, Int16(POLLOUT), deadline)
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0 && (errno == EAGAIN || errno == EINTR) { continue }
            guard count >= 0 else { throw systemFailure(place) }
            rest = rest.dropFirst(count)
        }
    }

    /// Waits until the socket is ready; looks ten times a second whether the host wants to stop. poll(2).
    private func wait(_ socket: Int32, _ events: Int16, _ deadline: ContinuousClock.Instant) throws {
        while true {
            if Scheduler.current?.stopRequested == true { throw Stopped() }
            let left = deadline - .now
            guard left > .zero else { throw Failure("\(place): no answer in time") }
            let slice = left < .milliseconds(100) ? Int32(left / .milliseconds(1)) + 1 : 100
            var waited = pollfd(fd: socket, events: events, revents: 0)
            let count = unsafe poll(&waited, 1, slice)
            if count > 0 { return }
            if count < 0 && errno != EINTR { throw systemFailure(place) }
        }
    }
}
