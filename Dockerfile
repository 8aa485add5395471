# Debian's Python, named once and literally: Dependabot reads no ARG. docs/operating.md says how to build on another base.
FROM docker.io/library/python:3.13-slim AS base

FROM base AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements.txt requirements-build.txt deploy/image/trim.py ./
RUN python -m venv --without-pip /opt/aws-support-exporter \
 && python -m pip --python=/opt/aws-support-exporter/bin/python install --quiet --no-compile \
      --require-hashes --no-deps --requirement=requirements.txt \
 && python -m venv --without-pip tools \
 && python -m pip --python=tools/bin/python install --quiet --require-hashes --no-deps --requirement=requirements-build.txt \
 && python trim.py /opt/aws-support-exporter
COPY pyproject.toml README.md LICENSE ./
COPY exporter exporter
RUN python -m pip --python=tools/bin/python wheel --quiet --no-deps --no-build-isolation --wheel-dir=dist . \
 && python -m pip --python=/opt/aws-support-exporter/bin/python install --quiet --no-compile \
      --no-deps --no-index --find-links=dist aws-support-exporter \
 && /opt/aws-support-exporter/bin/python -m compileall -q --invalidation-mode=unchecked-hash /opt/aws-support-exporter/lib

FROM base
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="aws-support-exporter" \
      org.opencontainers.image.description="Prometheus exporter for AWS Support cases across accounts and organizations" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Nothing is installed at run time: what could would only be scanned, and found old.
RUN rm -rf /usr/local/lib/python3*/*-packages/pip* /usr/local/lib/python3*/ensurepip /usr/local/bin/pip*
COPY --from=build /opt/aws-support-exporter /opt/aws-support-exporter
ENV PATH=/opt/aws-support-exporter/bin:$PATH \
    HOME=/var/lib/aws-support-exporter \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    AWS_SUPPORT_EXPORTER_REVISION=${REVISION}
WORKDIR /var/lib/aws-support-exporter
EXPOSE 10047
# A number, so that Kubernetes can tell that it is not root; any other works as well, as nothing is written.
USER 65532:65532
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["python", "-c", "import http.client as h, sys; c = h.HTTPConnection('127.0.0.1', 10047, timeout=3); c.request('GET', '/-/healthy'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["aws-support-exporter"]
