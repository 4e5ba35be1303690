"""What chatty's figures come from: ``python -m benchmarks`` (or ``make bench``). See docs/performance.md.

Each benchmark starts what it measures as a process of its own, bounded in
time, on loopback alone and in a temporary directory. Where there are two cores
or more, the server has one and the client that loads it another.
"""
