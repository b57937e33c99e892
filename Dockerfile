# The node and its client on a slim Debian: built in a first stage, of which only the installed files are kept.
#
#   docker build -t rensa .
#   docker run --rm --init -v rensa:/var/lib/rensa -v "$PWD/rensad.conf:/etc/rensa/rensad.conf:ro" --shm-size 1100m \
#     -p 127.0.0.1:5000:5000 rensa
#
# A published port leads to the container's own address: rensad.conf says listen = 0.0.0.0:5000 under [http]; or, without any
# rensad.conf, -e RENSAD_HTTP_LISTEN=0.0.0.0:5000 does.

FROM debian:bookworm-slim AS build
COPY scripts/install-deps /tmp/install-deps
RUN /tmp/install-deps --build
COPY . /src
WORKDIR /src
RUN ./autogen.sh \
 && mkdir /build && cd /build \
 && /src/configure --quiet --prefix=/usr --sysconfdir=/etc --localstatedir=/var --without-systemdsystemunitdir --without-sysusersdir \
 && make -j"$(nproc)" \
 && make install-strip DESTDIR=/out

FROM debian:bookworm-slim
COPY scripts/install-deps /tmp/install-deps
RUN /tmp/install-deps --run \
 && rm -rf /tmp/install-deps /var/lib/apt/lists/* /var/cache/apt/* \
 && useradd --system --home-dir /var/lib/rensa --shell /usr/sbin/nologin rensa \
 && install -d -o rensa -g rensa -m 0750 /var/lib/rensa
COPY --from=build /out/ /

USER rensa
WORKDIR /var/lib/rensa
VOLUME /var/lib/rensa
EXPOSE 5000
# Where the client, and with it the health check, finds the node: the address that the configuration listens on.
ENV RENSA_NODE=http://127.0.0.1:5000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["rensa", "--json", "status"]
STOPSIGNAL SIGTERM
CMD ["rensad", "-c", "/etc/rensa/rensad.conf"]
