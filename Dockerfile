# The application without a database of its own; compose.yaml puts PostGIS beside it.
FROM debian:12-slim

RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --home-dir /srv/wangge --shell /usr/sbin/nologin wangge \
 && install -d -o wangge -g wangge /srv/wangge /srv/wangge/app /srv/wangge/data
# Both folders are made here: WORKDIR and a new volume would belong to root, and the program could not write into them.

WORKDIR /srv/wangge/app
COPY --chown=wangge:wangge . .
USER wangge

# The launcher makes the environment (apt lists of its own for pip), then the page's assets are built.
RUN ./wangge --help >/dev/null && PYTHONPATH=. .venv/bin/python -m api.assets

ENV WANGGE_DATA_DIR=/srv/wangge/data
VOLUME /srv/wangge/data
EXPOSE 8420
CMD ["./wangge", "up", "--host", "0.0.0.0", "--port", "8420"]
