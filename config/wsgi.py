"""What a web server loads. It also sweeps where nobody else does."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")

application = get_wsgi_application()

# Models may be loaded only now.
from tasks_app.services import idling  # noqa: E402

idling.start()
