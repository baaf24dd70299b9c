"""What the workers count."""

from typing import Final

from prometheus_client import Counter, Histogram

SECONDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)

FRAMES = Counter("stationmaster_worker_frames_total", "Frames by what became of them.", ["outcome"])
BATCH_SECONDS = Histogram("stationmaster_worker_batch_seconds", "One batch of frames.", buckets=SECONDS)
BATCH_FRAMES = Histogram(
    "stationmaster_worker_batch_frames", "Frames per batch.", buckets=(1, 5, 20, 50, 100, 200, 350, 500)
)
BATCH_FAILURES = Counter(
    "stationmaster_worker_batch_failures_total", "Units of work of frames that failed.", ["family"]
)
DELIVERIES = Counter(
    "stationmaster_consumer_deliveries_total", "Deliveries by verdict.", ["consumer", "verdict"]
)
DELIVERY_SECONDS = Histogram(
    "stationmaster_consumer_seconds", "One unit of work of a consumer.", ["consumer"], buckets=SECONDS
)
JOBS = Counter("stationmaster_job_runs_total", "Runs of scheduled jobs by outcome.", ["job", "outcome"])
JOB_SECONDS = Histogram("stationmaster_job_seconds", "One run of a job.", ["job"], buckets=SECONDS)
