"""The service's log has the shapes, the order and the wording of the platform's."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime

import pytest

from gpkit.local.lines import censored
from gpkit.stack import local_stack
from tests.local_stack_support import FAST, entries_of, text_of, truth_of, visit

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6}|\.\d{9})?Z")


def one_visit(generation="C", faults=(), **how):
    """The entries of one visit and its truth."""
    with local_stack({"pace_ms": FAST, "faults": list(faults)}, generation=generation) as stack:
        truth = truth_of(stack, asyncio.run(visit(stack, **how)))
        return entries_of(stack, truth), truth, stack.entries()


def said(entries) -> list[str]:
    """What the lines say, without stamps, pids and ports."""
    return [re.sub(r"^\[[^]]*\] \[\d+\] \[\w+\] |169\.254[\d.]+:\d+ - ", "", text_of(entry)) for entry in entries]


def all_keys(value, prefix=""):
    """Every key path of a JSON value."""
    if not isinstance(value, dict):
        return set()
    return {f"{prefix}{key}" for key in value} | {
        path for key, inner in value.items() for path in all_keys(inner, f"{prefix}{key}.")
    }


@pytest.mark.parametrize("generation", ["A", "B", "C"])
def test_every_entry_has_the_keys_of_a_log_entry(generation):
    _, _, entries = one_visit(generation)

    for entry in entries:
        payloads = [key for key in ("textPayload", "jsonPayload", "httpRequest") if key in entry]
        assert len(payloads) == 1
        assert {"insertId", "labels", "logName", "receiveTimestamp", "resource", "timestamp"} <= set(entry)
        assert STAMP.fullmatch(entry["timestamp"])
        assert ("trace" in entry) == ("httpRequest" in entry)
        assert entry["resource"]["type"] == "cloud_run_revision"
    assert len({entry["insertId"] for entry in entries}) == len(entries)


def test_a_refusal_of_generation_a_has_the_real_lines_in_the_real_order():
    entries, _, _ = one_visit("A", ["audience_misconfigured"], credential="with-aud")

    assert said(entries) == [
        '"WebSocket /ws" 403',
        "Invalid JWT=REDACTED audience",
        "WebSocket connection rejected in staging: Invalid JWT=REDACTED",
        "connection rejected (403 Forbidden)",
        "Handler cleanup complete. Remaining handlers: 8",
        "connection closed",
        "",
    ]
    assert [entry.get("severity") for entry in entries] == [None, "WARNING", "WARNING", None, "INFO", None, "WARNING"]
    stamps = [datetime.fromisoformat(entry["timestamp"]) for entry in entries[:-1]]
    assert stamps == sorted(stamps)
    assert datetime.fromisoformat(entries[-1]["timestamp"]) < stamps[0]


def test_the_applications_own_stamp_is_that_of_the_decision_and_older_than_the_entrys():
    entries, truth, _ = one_visit("A", credential="expired")
    (reason,) = [entry for entry in entries if text_of(entry) == "JWT=REDACTED expired"]

    own = datetime.fromisoformat(reason["jsonPayload"]["timestamp"])
    assert own <= datetime.fromisoformat(reason["timestamp"])
    assert abs(own.timestamp() - truth["verdict_ns"] / 1e9) < 0.005


@pytest.mark.parametrize(
    ("credential", "faults", "lines"),
    [
        ("none", [], ["WebSocket connection rejected in staging: No JWT=REDACTED"]),
        ("garbage", [], ["Invalid JWT=REDACTED enough segments"]),
        ("wrong-secret", [], ["JWT=REDACTED verification failed - likely JWT=REDACTED between services"]),
        ("expired", [], ["JWT=REDACTED expired"]),
        ("valid", ["breaker_open"], ["CIRCUIT BREAKER OPEN"]),
        ("valid", [{"fault": "not_ready", "for_s": 99}], ["rejected - GCP services not ready. Failed: "]),
    ],
)
@pytest.mark.parametrize("generation", ["A", "B"])
def test_generations_a_and_b_name_the_reason_in_the_same_words(generation, credential, faults, lines):
    entries, _, _ = one_visit(generation, faults, credential=credential)

    for line in lines:
        assert sum(line in text for text in said(entries)) == 1


@pytest.mark.parametrize(
    ("credential", "line"),
    [
        ("none", "TOKEN EXTRACTION FAILURE: No JWT token provided"),
        ("wrong-secret", "JWT VALIDATION FAILURE: JWT signature verification failed"),
        ("expired", "JWT EXPIRY FAILURE: JWT token has expired"),
        ("wrong-aud", "JWT INVALID FAILURE: Invalid JWT token: Invalid audience"),
        ("not-yet-valid", "UNKNOWN AUTH FAILURE: "),
    ],
)
def test_generation_c_names_the_reason_after_accept(credential, line):
    entries, _, _ = one_visit("C", credential=credential)
    texts = said(entries)

    assert texts.index('"WebSocket /ws" [accepted]') < next(n for n, text in enumerate(texts) if line in text)
    assert any("GOLDEN PATH AUTH FAILURE" in text for text in texts)
    assert any('"has_auth_header"' in text and "\n" in text for text in texts)


def test_a_normal_start_of_authentication_is_critical_in_b_and_c():
    for generation in ("B", "C"):
        entries, _, _ = one_visit(generation)
        (started,) = [entry for entry in entries if "Starting permissive authentication" in text_of(entry)]
        assert started["severity"] == "CRITICAL"


def test_a_session_that_went_well_tells_its_story_in_generation_c():
    entries, truth, _ = one_visit("C")
    texts = said(entries)
    connection = truth["connection_id"]

    for part in (
        f"WebSocket connection initiated - connection_id: {connection}, mode: main",
        '"WebSocket /ws" [accepted]',
        "connection open",
        "GOLDEN PATH AUTH SUCCESS: User user-000... authenticated successfully",
        f"GOLDEN PATH ESTABLISHED: Connection {connection} ready for user",
        "GOLDEN PATH AGENT MESSAGE: Received user_message",
        "EMISSION SUCCESS: agent_started  ->  user=user-0001",
        "EMISSION SUCCESS: tool_executing  ->  user=user-0001 (run_id=run_",
        "EMISSION SUCCESS: agent_completed",
        f"[MAIN MODE] Cleaning up connection {connection}",
        "connection closed",
    ):
        assert any(part in text for text in texts), part
    http = entries[-1]["httpRequest"]
    assert (http["status"], http["userAgent"], entries[-1]["severity"]) == (101, "wire-test/1.0", "INFO")
    lasted_s = (truth["events_sent"][-1][1] - truth["arrived_ns"]) / 1e9
    assert float(http["latency"].rstrip("s")) >= lasted_s - 0.001


def test_the_request_is_larger_with_a_token_than_without():
    sizes = {}
    for credential in ("valid", "none"):
        entries, _, _ = one_visit("A", credential=credential)
        sizes[credential] = int(entries[-1]["httpRequest"]["requestSize"])

    assert sizes["none"] < 400 < sizes["valid"]


def test_a_crash_loop_logs_boots_that_fail_and_an_entry_with_text_and_request():
    entries, truth, everything = one_visit("C", [{"fault": "crash_loop", "delay_ms": 1}])
    (request,) = entries
    boots = [text_of(e) for e in everything if e["labels"]["instanceId"] == request["labels"]["instanceId"]]

    assert request["httpRequest"]["status"] == 503
    assert request["textPayload"].startswith("The request failed because either the HTTP response was malformed")
    assert truth["refused"] == "crash_loop"
    assert boots[0].startswith("Starting new instance. Reason: MANUAL_OR_CUSTOMER_MIN_INSTANCE")
    assert "Container called exit(3)." in boots
    assert any("Reason: Worker failed to boot." in text for text in boots)
    assert any("Default STARTUP TCP probe succeeded" in text for text in boots)
    assert any(text.startswith("Traceback") and "\n" in text for text in boots)


def test_a_failed_start_says_so():
    (request,), _, everything = one_visit("C", [{"fault": "start_failed", "delay_ms": 1}])

    assert request["textPayload"].startswith("The request failed because the instance could not start successfully.")
    assert any("Application startup failed. Exiting." in text_of(entry) for entry in everything)


@pytest.mark.parametrize(("stamps", "entries_too"), [("instance", True), ("application", False)])
def test_a_wrong_clock_is_the_instances_and_not_the_fronts(stamps, entries_too):
    fault = {"fault": "clock_off", "offset_s": -40, "stamps": stamps}
    entries, truth, _ = one_visit("C", [fault])
    arrived_s = truth["arrived_ns"] / 1e9

    def age(text):
        return datetime.fromisoformat(text).timestamp() - arrived_s

    own = [age(entry["jsonPayload"]["timestamp"]) for entry in entries if "jsonPayload" in entry]
    collected = [age(entry["timestamp"]) for entry in entries if "httpRequest" not in entry]
    assert all(-40.001 < value < -38 for value in own)
    assert all((-40.001 < value < -38) == entries_too for value in collected)
    assert abs(age(entries[-1]["timestamp"])) < 0.001
    assert all(abs(age(entry["receiveTimestamp"])) < 2 for entry in entries)


def test_a_drifting_clock_drifts():
    faults = [{"fault": "clock_off", "offset_s": 0, "drift_ppm": 100_000}]

    async def twice(stack):
        first = await visit(stack, 0)
        await asyncio.sleep(0.3)
        return first, await visit(stack, 1)

    with local_stack({"pace_ms": FAST, "faults": faults}) as stack:
        shown = asyncio.run(twice(stack))
        stack.settle()
        truth = stack.truth()

    def error_s(one, line):
        welcome = json.loads(one.frames[0])["data"]["timestamp"]
        return datetime.fromisoformat(welcome).timestamp() - line["ready_sent_ns"] / 1e9

    first, second = (error_s(one, line) for one, line in zip(shown, truth, strict=True))
    assert 0.028 < second - first < 0.2


def test_the_services_filter_makes_of_each_text_what_the_platform_showed():
    shown = {
        "Invalid JWT token: Invalid audience": "Invalid JWT=REDACTED audience",
        "Invalid JWT token: Not enough segments": "Invalid JWT=REDACTED enough segments",
        "JWT token has expired": "JWT=REDACTED expired",
        "JWT token missing 'sub' (user ID) claim": "JWT=REDACTED 'sub' (user ID) claim",
        "No JWT token provided": "No JWT=REDACTED",
        "No JWT token": "No JWT=REDACTED",
        "Service Secret configured: True": "Service Secret=REDACTED True",
        "OAuth redirect URI mismatch": "OAuth=REDACTED URI mismatch",
    }

    assert {text: censored(text) for text in shown} == shown


def test_the_shapes_and_the_words_of_a_refusal_are_those_of_real_exports(exports):
    real = json.loads((exports / "cloud_logging" / "cl_raw_20250907_1320_iter9_2002.json").read_text("utf-8"))
    texts = {text_of(entry) for entry in real}
    shapes = {frozenset(all_keys(entry)) for entry in real}

    ours = []
    for credential, faults in (
        ("with-aud", ["audience_misconfigured"]),
        ("none", []),
        ("wrong-secret", []),
    ):
        ours += one_visit("A", faults, credential=credential)[0]

    for entry in ours:
        assert frozenset(all_keys(entry)) in shapes
        if "jsonPayload" in entry:
            assert text_of(entry) in texts


def test_the_shapes_of_a_boot_loop_are_those_of_real_exports(exports):
    real = json.loads((exports / "cloud_logging" / "cl_raw_20250916_0041_bootloop_1000.json").read_text("utf-8"))
    # These labels come from how a project's network was set up.
    setup = {"labels.migration-run", "labels.vpc-connectivity"}
    shapes = {frozenset(all_keys(entry) - setup) for entry in real}
    _, _, everything = one_visit("C", [{"fault": "crash_loop", "delay_ms": 1}])

    boot = [entry for entry in everything if "httpRequest" not in entry]
    optional = {"jsonPayload.name"}
    for entry in boot:
        keys = all_keys(entry)
        assert frozenset(keys) in shapes or frozenset(keys | optional) in shapes, text_of(entry)
