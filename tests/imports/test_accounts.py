"""A name that somebody signed up by does not get what a file says of somebody else by that name."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from interactions.models import UserInteraction
from recommendations.models import RecommendationSession
from tests.factories import make_item, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A file for each command, which tells of grace, who signed up here, and of others."""
    item = make_item()
    User.objects.create_user("grace", password="chosen-by-a-stranger")
    make_user("ann")
    row: dict[str, object] = {"item": item.external_id, "type": "like", "occurred_at": "2026-01-01T00:00:00Z"}
    session: dict[str, object] = {"item": item.external_id, "rank": 1, "shown_at": "2026-01-01T00:00:00Z"}
    files = {"import_interactions": row, "import_sessions": session}
    for name, values in files.items():
        lines = [
            json.dumps(values | {"user": user} | ({"session": user} if values is session else {}))
            for user in ("ann", "grace", "new")
        ]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    return {name: tmp_path / f"{name}.jsonl" for name in files}


@pytest.mark.parametrize("command", ["import_interactions", "import_sessions"])
def test_a_file_adds_to_whoever_logs_in_only_where_that_is_asked_for(
    files: dict[str, Path], command: str
) -> None:
    path, table = (
        str(files[command]),
        {"import_interactions": UserInteraction}.get(command, RecommendationSession),
    )
    with pytest.raises(CommandError, match=r"'grace' logs in here .* add --account grace"):
        call_command(command, path, quiet=True)
    assert not table.objects.exists()
    call_command(command, path, max_errors=1, quiet=True)
    assert sorted(table.objects.values_list("user__username", flat=True)) == ["ann", "new"]
    call_command(command, path, account=["grace"], quiet=True)
    assert sorted(table.objects.values_list("user__username", flat=True)) == ["ann", "grace", "new"]
