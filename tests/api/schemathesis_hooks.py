"""A rule that OpenAPI cannot express: a date of birth is before today."""

from datetime import UTC, datetime, timedelta

import schemathesis
from hypothesis import strategies as st

yesterday = datetime.now(UTC).date() - timedelta(days=1)
schemathesis.openapi.format("date", st.dates(max_value=yesterday).map(str))
