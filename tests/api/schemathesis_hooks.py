"""What the OpenAPI language cannot say: a date of birth lies before today."""

from datetime import UTC, datetime, timedelta

import schemathesis
from hypothesis import strategies as st

yesterday = datetime.now(UTC).date() - timedelta(days=1)
schemathesis.openapi.format("date", st.dates(max_value=yesterday).map(str))
