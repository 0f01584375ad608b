/// A snapshot as a source gives it, so that the plugin runs without one.
let recordedSnapshot = """
    {
      "taken": "2026-03-02T14:30:00Z",
      "prices": [
        {"symbol": "BTC-USD", "price": 67214.35, "volume": 1843.2},
        {"symbol": "ETH-USD", "price": 3521.07, "volume": 22110.5},
        {"symbol": "SOL-USD", "price": 143.92, "volume": 301877.0},
        {"symbol": "XRP-USD", "price": 0.5821, "volume": 9120443.0},
        {"symbol": "EUR-USD", "price": 1.0843, "volume": 0},
        {"symbol": "GBP-USD", "price": 1.2657, "volume": 0},
        {"symbol": "XAU-USD", "price": 2114.6, "volume": 0},
        {"symbol": "BRENT", "price": 83.17, "volume": 0}
      ]
    }
    """
