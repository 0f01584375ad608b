internal import CPluginAPI
