# syntax=docker/dockerfile:1

FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/pointsbank
# Everything that is installed comes out of /wheels, and there is nothing there that the lock did not vouch for.
COPY requirements.lock ./
RUN pip download --require-hashes --requirement requirements.lock --dest /wheels
COPY pyproject.toml ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; print(*p['dependencies'], *p['optional-dependencies']['certificates'], sep='\n')" \
        > runtime.txt \
    && /opt/pointsbank/bin/pip install --no-index --find-links /wheels --requirement runtime.txt 'setuptools>=77'
COPY pointsbank pointsbank
COPY ledger ledger
COPY rules rules
COPY credentials credentials
COPY api api
RUN /opt/pointsbank/bin/pip install --no-deps --no-build-isolation . \
    && python -m compileall -q /opt/pointsbank

FROM python:3.12-slim
RUN groupadd --gid 10001 pointsbank \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin pointsbank \
    && install -d -o pointsbank -g pointsbank /data
COPY --from=build /opt/pointsbank /opt/pointsbank
ENV PATH=/opt/pointsbank/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    POINTSBANK_DATA_DIR=/data
# The root may be read-only: /tmp (a tmpfs) and /data are all that is written to.
VOLUME /data
WORKDIR /data
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["pointsbank"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
