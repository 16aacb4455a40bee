"""Measures speed, latency and memory on workload W: in process, Kafka to Kafka, and next to peers.

Run as `python -m benchmarks` and `python -m benchmarks.peers`; docs/benchmarks.md says what is measured and how.
"""
