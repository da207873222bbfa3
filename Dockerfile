# One image for every process: `ochre serve`, `ochre worker`, `ochre scheduler`, `ochre migrate`.
FROM python:3.13-slim-trixie AS build
WORKDIR /src
RUN python -m venv /opt/ochre
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY engine engine
COPY rules rules
COPY stripe_sync stripe_sync
COPY web web
RUN /opt/ochre/bin/pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt .

FROM python:3.13-slim-trixie
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin ochre
COPY --from=build /opt/ochre /opt/ochre
ENV PATH=/opt/ochre/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OCHRE_DATA_DIR=/var/lib/ochre \
    OCHRE_LOG_FORMAT=json
WORKDIR /var/lib/ochre
USER ochre
EXPOSE 8000
CMD ["ochre", "serve", "--host", "0.0.0.0", "--port", "8000"]
