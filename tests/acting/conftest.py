from tests.engine.conftest import connect  # noqa: F401 - a fixture
from tests.faults.conftest import lay, vendors  # noqa: F401 - fixtures
