// Every test here has the kit at hand.
@_exported import HostTestKit
