"""One deployment at a time: who holds the lease, and what happens when its holder dies."""

import io
import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from terraform.deploy.aws import CONFIG, session
from terraform.deploy.exit_status import Refused, Stuck
from terraform.deploy.lock import KEY, LEASE_SECONDS, Lease, held
from tests.deploy.conftest import Bucket


def lease(bucket: Bucket, who: str = "Ada", seconds: float = 120) -> Lease:
    """Return a lease that `who` might take."""
    return Lease(bucket.s3, bucket.name, {"by": who, "since": "today"}, seconds)


def holder(bucket: Bucket) -> str:
    """Return who has the lease."""
    return str(json.load(bucket.s3.get_object(Bucket=bucket.name, Key=KEY)["Body"])["by"])


def test_second_is_refused_and_told_who_deploys(bucket: Bucket) -> None:
    """During a deployment, another is refused, and told by whom and for how long; after that it may begin."""
    with held(lease(bucket)):
        with pytest.raises(Refused, match=r"by Ada, since today.*expires in 1[12]\d seconds"):
            lease(bucket, "Bob").acquire()
        assert holder(bucket) == "Ada"
    with held(lease(bucket, "Bob")):
        assert holder(bucket) == "Bob"


def test_signals_are_for_the_main_thread(bucket: Bucket) -> None:
    """The thread that renews the lease blocks SIGINT and SIGTERM, so that the main thread gets them."""
    with held(lease(bucket)):
        (keeper,) = [thread for thread in threading.enumerate() if thread.name == "lease"]
        status = Path(f"/proc/self/task/{keeper.native_id}/status").read_text(encoding="ascii")
        blocked = int(dict(line.split(":\t") for line in status.splitlines())["SigBlk"], 16)
        assert all(blocked >> (number - 1) & 1 for number in (signal.SIGINT, signal.SIGTERM))
        assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & {signal.SIGINT, signal.SIGTERM}


def test_lease_of_the_dead_runs_out(bucket: Bucket) -> None:
    """A lease that was not renewed in time can be taken over, and its first holder notices."""
    dead = lease(bucket)
    dead.acquire()
    lease(bucket, "Bob", seconds=0).acquire()
    assert holder(bucket) == "Bob"
    assert dead.renew() is False


def test_lost_lease_stops_its_holder_and_stays_with_the_other(bucket: Bucket) -> None:
    """A deployment that lost the lease stops, and does not take it from its new holder at the end."""
    lost = lease(bucket, seconds=6)  # renewed each second
    lost.acquire()
    lease(bucket, "Bob", seconds=0).acquire()
    lost.keep(threading.Event())
    with pytest.raises(Stuck, match=r"was lost.*somebody else took it"):
        lost.check()
    lost.release()
    assert holder(bucket) == "Bob"


def test_lease_that_could_not_be_renewed_has_run_out(bucket: Bucket) -> None:
    """A deployment that could not renew the lease for as long as it lasts stops, even if nobody else took it."""
    now = 0.0
    kept = Lease(bucket.s3, bucket.name, {"by": "Ada"}, clock=lambda: now)
    kept.acquire()
    now = LEASE_SECONDS - 1
    kept.check()
    kept.renew()
    now = 2 * LEASE_SECONDS - 2
    kept.check()
    now += 2
    with pytest.raises(Stuck, match="could not be renewed in time"):
        kept.check()
    kept.release()
    lease(bucket, "Bob").acquire()


def test_call_ends_before_the_lease_does() -> None:
    """All attempts of a call, and the pauses between them, end before the lease does, which is then checked."""
    config: Any = CONFIG
    pauses = sum(min(2**retry, 20) for retry in range(config.retries["total_max_attempts"] - 1))
    longest = config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout) + pauses
    assert longest < LEASE_SECONDS / 2
    assert session("eu-central-1").client("s3").meta.config.read_timeout == config.read_timeout


def test_renewed_lease_is_kept(bucket: Bucket) -> None:
    """Renewing keeps the lease."""
    kept = lease(bucket)
    kept.acquire()
    kept.renew()
    kept.renew()
    kept.check()
    assert holder(bucket) == "Ada"


def test_lease_renewed_at_the_last_moment_is_kept(bucket: Bucket) -> None:
    """A lease that is renewed between another deployment's reading it and taking it over stays with its holder."""
    kept = lease(bucket)
    kept.acquire()

    class Late:
        """The same S3, where the holder renews after each look of the other."""

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a method of boto3's
            return getattr(bucket.s3, name)

        def get_object(self, **asked: str) -> Any:  # noqa: ANN401 - an answer of boto3's
            found = bucket.s3.get_object(**asked)
            kept.renew()
            return found

    with pytest.raises(Refused, match="at the same moment"):
        lease(Bucket(Late(), bucket.name), "Bob", seconds=0).acquire()
    assert holder(bucket) == "Ada"


def test_of_two_at_once_one_wins(bucket: Bucket) -> None:
    """Of many deployments that begin at the same moment, one goes on and all others are refused."""

    def begin(number: int) -> bool:
        try:
            lease(bucket, f"number {number}").acquire()
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(8) as many:
        assert list(many.map(begin, range(8))).count(True) == 1


@pytest.mark.parametrize(("seconds", "dead"), [(119, False), (120, True)])
def test_age_is_told_by_the_clock_of_s3(seconds: int, dead: bool) -> None:
    """The age of a lease is measured by S3's clock, whatever our own clock shows."""
    now = datetime(2001, 2, 3, tzinfo=UTC)
    s3: Any = boto3.client("s3", region_name="eu-central-1")
    found = {
        "Body": io.BytesIO(b'{"by": "Ada"}'),
        "ETag": "old",
        "LastModified": now - timedelta(seconds=seconds),
        "ResponseMetadata": {"HTTPHeaders": {"date": format_datetime(now, usegmt=True)}},
    }
    with Stubber(s3) as stub:
        stub.add_client_error("put_object", "PreconditionFailed")
        stub.add_response("get_object", found)
        bob = Lease(s3, "bucket", {"by": "Bob"})
        if dead:
            stub.add_response("put_object", {"ETag": "new"})
            bob.acquire()
        else:
            with pytest.raises(Refused, match=r"by Ada.*expires in 1 seconds"):
                bob.acquire()
        stub.assert_no_pending_responses()


class LostAnswers:
    """S3 whose answers to writes get lost: each is done, sent again by boto3, and then refused by its condition."""

    def __init__(self, s3: Any) -> None:  # noqa: ANN401 - a client of boto3's
        """Stand before `s3`."""
        self.get_object, self.delete_object, self._put = s3.get_object, s3.delete_object, s3.put_object

    def put_object(self, **asked: Any) -> None:  # noqa: ANN401 - as S3 is asked
        """Write, and refuse."""
        self._put(**asked)
        raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")


def test_lost_answers_lose_no_lease(bucket: Bucket) -> None:
    """A deployment that finds its own lease after a refused write holds it: only the first answer was lost."""
    whole = lease(bucket)
    deaf = Lease(LostAnswers(bucket.s3), bucket.name, {"by": "Ada"})
    deaf.acquire()
    deaf.renew()
    with pytest.raises(Refused, match="by Ada"):
        whole.acquire()
    deaf.release()
    whole.acquire()


def test_earlier_write_is_no_renewal(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment that finds its own earlier lease after a refused write keeps it, as long as that one lasts."""
    now = 0.0
    kept = Lease(bucket.s3, bucket.name, {"by": "Ada"}, clock=lambda: now)
    kept.acquire()
    now = LEASE_SECONDS - 1

    def refuse(**_asked: object) -> None:
        raise ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject")

    monkeypatch.setattr(bucket.s3, "put_object", refuse)
    assert kept.renew()
    kept.check()
    now = LEASE_SECONDS + 1
    with pytest.raises(Stuck, match="could not be renewed in time"):
        kept.check()


def test_lease_that_cannot_be_given_back_is_no_failure(bucket: Bucket, caplog: pytest.LogCaptureFixture) -> None:
    """A finished deployment stays successful if S3 is unavailable at the end; the lease expires by itself."""
    kept = lease(bucket)
    kept.acquire()
    bucket.s3.delete_object(Bucket=bucket.name, Key=KEY)
    kept.release()
    assert "it expires, or" in caplog.text
