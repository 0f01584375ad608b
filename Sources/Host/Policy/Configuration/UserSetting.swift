internal import HostValues

extension HostConfiguration {
    /// Throws if a host of that user cannot have its plugins run as other users.
    public func checkUsers(host user: UInt32) throws(ConfigurationError) {
        guard let users, let fault = users.value.fault(host: user),
            case .file(let file, let position, let key) = users.origin
        else { return }
        var error = ConfigurationError()
        error.add(ConfigurationProblem(file: file, position: position, keyPath: key, message: fault))
        throw error
    }
}

extension ConfigurationReader {
    /// Reads `sandbox_users`.
    mutating func users(_ member: JSONMember) -> Sourced<UserRange>? {
        let key = member.name
        do throws(UserRange.Fault) {
            guard case .string(let text) = member.node.value else { throw UserRange.Fault.malformed }
            let range = try UserRange(text)
            return Sourced(range, from: .file(file, member.node.position, key: key))
        } catch {
            report(error.text, at: member.node.position, key)
            return nil
        }
    }
}
