"""Right answers, usual slips and hints: one module a notebook, each found by itself."""
