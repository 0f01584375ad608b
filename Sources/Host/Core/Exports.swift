// Whoever imports this module has all of these.
@_exported public import HostCommandLine
@_exported public import HostInspection
@_exported public import HostPolicy
@_exported public import HostStore
@_exported public import HostValues
@_exported public import HostViews
@_exported public import HostWire
