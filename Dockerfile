# rnnbin on libtensorflow, nothing else.
#
#   docker build -t rnnbin .
#   docker run --rm rnnbin train
#   docker run --rm -p 127.0.0.1:8501:8501 -v "$PWD/runs:/models/runs:ro" rnnbin serve /models/runs --listen 0.0.0.0:8501
#
# Behind an authority of your own: --secret id=ca,src=FILE.pem
ARG GO_IMAGE=golang:1.26-bookworm
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${GO_IMAGE} AS build
# libtensorflow comes in a Python wheel, hence pip, here alone.
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt,sharing=locked \
    python3 -m pip --version 2>/dev/null || \
    { apt-get update && apt-get install --yes --no-install-recommends python3-pip; }

WORKDIR /src
COPY scripts/libtensorflow scripts/
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \
    scripts/libtensorflow

COPY go.mod go.sum LICENSE README.md ./
COPY graph graph
COPY cmd cmd
COPY scripts/bundle scripts/
COPY scripts/serve scripts/serve
ARG VERSION
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export SSL_CERT_FILE=/run/secrets/ca; fi; \
    scripts/bundle --tree /out --version "${VERSION:-unknown}"

FROM ${BASE_IMAGE}
# The library is a layer of its own: it stays when the program changes.
COPY --from=build /out/lib/rnnbin /usr/local/lib/rnnbin
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
RUN groupadd --key GID_MAX=65532 --gid 65532 rnnbin \
    && useradd --key UID_MAX=65532 --uid 65532 --gid 65532 --no-log-init --create-home --home-dir /data --shell /usr/sbin/nologin rnnbin
COPY --from=build /out/share /usr/local/share
COPY --from=build /out/bin /usr/local/bin

# By number, so that a cluster can see that it is not root.
USER 65532:65532
WORKDIR /data
RUN rnnbin version # a base that lacks a library of the program's fails here
ENTRYPOINT ["rnnbin"]
CMD ["--help"]

ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="rnnbin" \
      org.opencontainers.image.description="Classifies every row of a time series with a recurrent network" \
      org.opencontainers.image.source="https://github.com/rnnbin/rnnbin" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
