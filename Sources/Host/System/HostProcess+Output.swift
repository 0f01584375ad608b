internal import CHostSystem

extension HostProcess {
    /// Lets what is printed leave this process with each line, as on a terminal, and not when 4 KiB of it have come or the
    /// process ends in order: a crash would lose it. setvbuf(3).
    public static func bufferOutputByLines() { chs_buffer_output_by_lines() }
}
