"""Files for cron and systemd: they wake gpkit whenever something may be due."""

from __future__ import annotations

from datetime import timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from gpkit.schedule import Schedule, cron_files, systemd_files
from gpkit.schedule.export import minutes_here
from tests.runs_support import add_notebook, gpkit, make_project
from tests.schedule_support import entry, write_schedule

UTC = timezone.utc  # noqa: UP017 - the machine's zone, as Python names it
SCHEDULE = Schedule(
    Path("/srv/gp kit/parameters/schedule.yaml"),
    (entry("15 6 * * 1-5", "Europe/Berlin", name="morning"), entry("0,30 * * * *", name="often")),
    (),
)


def test_a_crontab_wakes_gpkit_at_every_minute_at_which_something_may_be_due():
    [(name, content)] = cron_files(SCHEDULE, ["/opt/100%/gpkit"], Path("/srv/gp kit"), here=UTC).items()

    assert name == "gpkit.cron"
    assert content.splitlines()[-1] == (
        r"0,15,30 * * * * cd '/srv/gp kit' && /opt/100\%/gpkit schedule due "
        "--file '/srv/gp kit/parameters/schedule.yaml'"
    )


def test_systemd_gets_a_service_and_a_timer_for_each_entry():
    files = systemd_files(SCHEDULE, ["/opt/100%/gpkit"], Path("/srv/gp kit"), here=UTC)

    assert list(files) == ["gpkit-due@.service", "gpkit-due@morning.timer", "gpkit-due@often.timer"]
    assert (
        'ExecStart="/opt/100%%/gpkit" schedule due --file "/srv/gp kit/parameters/schedule.yaml" %i\n'
        in files["gpkit-due@.service"]
    )
    assert "WorkingDirectory=/srv/gp kit\n" in files["gpkit-due@.service"]
    assert "OnCalendar=*-*-* *:15:00\nPersistent=true\n" in files["gpkit-due@morning.timer"]
    assert "OnCalendar=*-*-* *:0,30:00\n" in files["gpkit-due@often.timer"]


def test_zones_that_are_not_whole_hours_apart_move_the_minutes():
    assert minutes_here(entry("15 6 * * *", "Asia/Kolkata"), UTC) == {45}
    assert minutes_here(entry("15 6 * * *", "UTC"), timezone(timedelta(hours=5, minutes=45))) == {0}
    assert minutes_here(entry("0 6 * * *", "Australia/Lord_Howe"), UTC) == {0, 30}  # its summer time is half an hour
    assert minutes_here(entry("0 6 * * *", "Europe/Berlin"), ZoneInfo("America/New_York")) == {0}


def test_the_command_prints_the_files_or_writes_them(tmp_path):
    project = make_project(tmp_path / "project")
    add_notebook(project, "works")
    write_schedule(project, nightly="notebook: works, cron: '0 6 * * *'")

    printed = gpkit(project, "schedule", "export", "cron")
    written = gpkit(project, "schedule", "export", "systemd", "-o", "units")
    refused = gpkit(project, "schedule", "export", "launchd")

    assert (printed.returncode, written.returncode, refused.returncode) == (0, 0, 4), printed.stderr + written.stderr
    assert printed.stdout.splitlines()[-1].startswith("0 * * * * cd ")
    assert sorted(path.name for path in (project / "units").iterdir()) == [
        "gpkit-due@.service", "gpkit-due@nightly.timer",
    ]  # fmt: skip
