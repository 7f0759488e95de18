# rnnbin on libtensorflow, nothing else.
#
#   docker build -t rnnbin .
#   docker run --rm rnnbin train
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

COPY go.mod go.sum ./
COPY graph graph
COPY cmd cmd
ARG VERSION
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export SSL_CERT_FILE=/run/secrets/ca; fi; \
    go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/rnnbin ./cmd/rnnbin

# What the final image takes over, as it lies there. On some platforms the
# library brings its own libomp.
RUN mkdir -p /out/root/usr/local/lib /out/root/usr/share/doc /out/root/etc/ssl/certs \
    && cp -a /usr/local/lib/libtensorflow*.so.* /out/root/usr/local/lib \
    && { cp -a /usr/local/lib/libomp* /out/root/usr/local/lib 2>/dev/null || true; } \
    && cp -a /usr/local/share/doc/libtensorflow /out/root/usr/share/doc \
    && cp -L /etc/ssl/certs/ca-certificates.crt /out/root/etc/ssl/certs

FROM ${BASE_IMAGE}
# The library is a layer of its own: it stays when the program changes.
COPY --from=build /out/root /
RUN ldconfig \
    && groupadd --key GID_MAX=65532 --gid 65532 rnnbin \
    && useradd --key UID_MAX=65532 --uid 65532 --gid 65532 --no-log-init --create-home --home-dir /data --shell /usr/sbin/nologin rnnbin
COPY LICENSE /usr/share/doc/rnnbin/
COPY --from=build /out/rnnbin /usr/local/bin/

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
