# One image for web, worker and scheduler; compose.yaml says which it is.
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/baton
COPY requirements.txt /tmp/requirements.txt
RUN /opt/baton/bin/pip install --require-hashes -r /tmp/requirements.txt

FROM python:3.11-slim-bookworm
ENV PATH=/opt/baton/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings.base \
    DEBUG=false \
    DATA_DIR=/data
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent baton \
    && mkdir /data && chown baton /data
WORKDIR /srv/baton
COPY --from=build /opt/baton /opt/baton
COPY manage.py ./
COPY config ./config
COPY tasks_app ./tasks_app
COPY templates ./templates
COPY static ./static
# Gathering files needs no secret: these keys are thrown away.
RUN SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(60))')" \
    CREDENTIAL_KEYS="$(python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')" \
    python manage.py collectstatic --noinput --verbosity 0
USER baton
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=6s --start-period=20s CMD ["python", "-c", "import http.client as h, os, sys; c = h.HTTPConnection('127.0.0.1', 8000, timeout=5); c.request('GET', '/healthz', headers={'Host': os.environ.get('ALLOWED_HOSTS', 'localhost').split(',')[0].strip().lstrip('.').replace('*', 'localhost'), 'X-Forwarded-Proto': 'https'}); sys.exit(c.getresponse().status != 200)"]
# WEB_CONCURRENCY sets the number of processes.
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--threads", "8", "--no-control-socket"]
