# The node and its client on a slim Debian. The first stage builds them from this checkout; the second keeps what it installed.
#
#   docker build -t rensa .
#   docker run -d --name rensa -v rensa_data:/var/lib/rensa -v rensa_home:/home/rensa --shm-size 1100m -p 127.0.0.1:5000:5000 rensa
#   docker exec rensa rensa status
#
# The configuration is /etc/rensa/rensad.conf: mount another, or set single keys with RENSAD_SECTION_KEY as rensad.conf(5) says.
# The chain in use lives in /dev/shm, of which a container has 64 MiB unless --shm-size says more.

FROM debian:bookworm-slim AS build
COPY scripts/install-deps /tmp/install-deps
RUN /tmp/install-deps --build
COPY . /src
WORKDIR /build
# In a container 127.0.0.1 is the container alone: the node listens on all of its addresses instead.
RUN cd /src && ./autogen.sh && cd /build \
 && /src/configure --quiet --prefix=/usr --sysconfdir=/etc --localstatedir=/var --without-systemdsystemunitdir --without-sysusersdir \
 && make -j"$(nproc)" \
 && make install-strip DESTDIR=/out \
 && sed -i 's/^#listen = 127\.0\.0\.1:5000$/listen = 0.0.0.0:5000/' /out/etc/rensa/rensad.conf \
 && grep -qx 'listen = 0.0.0.0:5000' /out/etc/rensa/rensad.conf \
 && /out/usr/sbin/rensad -t -c /out/etc/rensa/rensad.conf

FROM debian:bookworm-slim
COPY scripts/install-deps /tmp/install-deps
# The ids are fixed, so that a newer image can read the volumes of an older one.
RUN /tmp/install-deps --run \
 && apt-get install -y --no-install-recommends tini \
 && rm -rf /tmp/install-deps /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log \
 && groupadd --system --gid 999 rensa \
 && useradd --system --uid 999 --gid rensa --home-dir /home/rensa --no-create-home --shell /usr/sbin/nologin rensa \
 && install -d -o rensa -g rensa -m 0750 /var/lib/rensa \
 && install -d -o rensa -g rensa -m 0700 /home/rensa
COPY --from=build /out/ /

USER rensa
# The chain, of which every node has a copy; and the home of the client with its wallets, which nobody else has.
VOLUME ["/var/lib/rensa", "/home/rensa"]
WORKDIR /home/rensa
ENV RENSA_HOME=/home/rensa RENSA_NODE=http://127.0.0.1:5000
# Healthy is a node that has its chain and can take new work. Peers are not asked for: a node alone is a node.
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["rensa", "health"]
# tini is the first process: it hands signals on and buries what others orphaned. SIGTERM has the node stop in order.
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--"]
CMD ["rensad", "-c", "/etc/rensa/rensad.conf"]
